"""A classifier two-sample test: how well can bugs of one kind be told from bugs of another?

D. Lopez-Paz and M. Oquab, *Revisiting Classifier Two-Sample Tests*, ICLR 2017,
https://arxiv.org/abs/1610.06545. The statistic is the area under the ROC curve (AUC) of a
classifier on repositories it has not seen: 0.5 where the kinds are alike, 1 where each bug tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from forge.study.realism.samples import Sample
from storage.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

Folds = Literal["by repository", "within the repository"]
FOLDS = 5
"""Parts, where there is one repository alone."""
REPEATS = 400
"""Bootstrap samples."""
LEARNED = 30
"""Bugs of each kind that a classifier needs: trees with leaves of 20 learn nothing from fewer."""
FEWEST = 10
"""Bugs of an operator, or in a repository, that can be scored."""
MISSING = (
    "the realism score needs scikit-learn; install bugfoundry with its extra: "
    "pip install 'bugfoundry[realism]'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well two kinds of bugs are told apart."""

    auc: float
    low: float
    """95 % confidence interval, by bootstrap."""
    high: float
    human: int
    other: int
    folds: Folds


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Samples of both kinds, each with a score given by a classifier that did not see it."""

    truth: Array
    """1 for a human bug."""
    scores: Array
    fold: Array
    samples: tuple[Sample, ...]
    folds: Folds

    def score(
        self, *, operator: str | None = None, repository: str | None = None, seed: int = 0
    ) -> Score | None:
        """Return the AUC; of one operator's bugs, or in one repository, where it is named.

        None for too few samples.
        """
        np = numpy()
        keep = np.array(
            [
                (human == 1 or operator in (None, sample.operator))
                and repository in (None, sample.repository)
                for human, sample in zip(self.truth, self.samples, strict=True)
            ]
        )
        truth, scores, fold = self.truth[keep], self.scores[keep], self.fold[keep]
        human, other = int((truth == 1).sum()), int((truth == 0).sum())
        if human < FEWEST or other < FEWEST:
            return None
        parts = [(scores[m & (truth == 1)], scores[m & (truth == 0)]) for m in masks(fold)]
        parts = [(one, two) for one, two in parts if len(one) and len(two)]
        chance = np.random.default_rng(seed)
        drawn = [mean_area([drawn_from(part, chance) for part in parts]) for _ in range(REPEATS)]
        low, high = np.quantile(drawn, (0.025, 0.975))
        return Score(
            auc=round(mean_area(parts), 4),
            low=round(float(low), 4),
            high=round(float(high), 4),
            human=human,
            other=other,
            folds=self.folds,
        )


def told_apart(human: Sequence[Sample], other: Sequence[Sample], *, seed: int = 0) -> Judged | None:
    """Have every sample scored by a classifier fitted on other repositories.

    With one repository alone it is fitted on other parts of the same. None for too few samples.
    Raises ConfigError where scikit-learn is not installed.
    """
    np = numpy()
    samples = [*human, *other]
    if min(len(human), len(other)) < LEARNED:
        return None
    matrix = np.array([list(sample.numbers.values()) for sample in samples])
    truth = np.array([1] * len(human) + [0] * len(other))
    groups = usable_groups(samples, truth)
    if groups is not None:
        folds: Folds = "by repository"
        fold = groups
    else:
        folds = "within the repository"
        fold = dealt(truth, seed)
    scores = np.full(len(samples), np.nan)
    for mask in masks(fold):
        if len(set(truth[~mask])) == 2:
            scores[mask] = scored(matrix[~mask], truth[~mask], matrix[mask], seed)
    return Judged(truth=truth, scores=scores, fold=fold, samples=tuple(samples), folds=folds)


def scored(matrix: Array, truth: Array, unseen: Array, seed: int) -> Array:
    """Score unseen samples by gradient-boosted trees, each kind weighing as much as the other."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, class_weight="balanced", random_state=seed
    )
    with threadpool_limits(1):  # The samples are few: more threads only wait for one another.
        model.fit(matrix, truth)
        found: Array = model.predict_proba(unseen)[:, 1]
    return found


def usable_groups(samples: Sequence[Sample], truth: Array) -> Array | None:
    """Number the repositories; None where fewer than two have samples of both kinds."""
    np = numpy()
    names = sorted({sample.repository for sample in samples})
    groups: Array = np.array([names.index(sample.repository) for sample in samples])
    both = [g for g in range(len(names)) if len(set(truth[groups == g])) == 2]
    return groups if len(both) > 1 else None


def dealt(truth: Array, seed: int) -> Array:
    """Deal samples into parts, each kind evenly."""
    np = numpy()
    fold: Array = np.zeros(len(truth), dtype=int)
    chance = np.random.default_rng(seed)
    for kind in (0, 1):
        places = np.flatnonzero(truth == kind)
        fold[chance.permutation(places)] = np.arange(len(places)) % FOLDS
    return fold


def masks(fold: Array) -> list[Array]:
    """Return which samples are in each part."""
    return [fold == number for number in sorted(set(fold.tolist()))]


def mean_area(parts: Sequence[tuple[Array, Array]]) -> float:
    """Return the mean AUC of the parts: scores of different classifiers are not compared."""
    return float(numpy().mean([area(one, two) for one, two in parts]))


def area(one: Array, two: Array) -> float:
    """Return how often a score of one is above a score of two; ties count half."""
    np = numpy()
    ordered = np.sort(two)
    below = np.searchsorted(ordered, one, "left") + np.searchsorted(ordered, one, "right")
    return float(below.mean() / (2 * len(two)))


def drawn_from(part: tuple[Array, Array], chance: Any) -> tuple[Array, Array]:
    """Draw a bootstrap sample of each kind."""
    one, two = part
    return one[chance.integers(len(one), size=len(one))], two[
        chance.integers(len(two), size=len(two))
    ]


def halves(human: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Split the human bugs of every repository by time: the older half, and the newer."""
    older: list[Sample] = []
    newer: list[Sample] = []
    for repository in sorted({sample.repository for sample in human}):
        own = sorted((s for s in human if s.repository == repository), key=lambda s: s.date)
        older += own[: len(own) // 2]
        newer += own[len(own) // 2 :]
    return older, newer


def numpy() -> Any:
    """Import numpy, which comes with scikit-learn. Raises ConfigError where it is missing."""
    try:
        import numpy
        import sklearn  # noqa: F401
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return numpy


def by_repository(samples: Sequence[Sample]) -> Mapping[str, list[Sample]]:
    """Group samples."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.repository, []).append(sample)
    return found

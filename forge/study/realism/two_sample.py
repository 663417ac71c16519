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
class SeparationScore:
    """How well two kinds of bugs are told apart."""

    auc: float
    low: float
    """95 % confidence interval, by bootstrap."""
    high: float
    human: int
    other: int
    folds: Folds


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredSamples:
    """Samples of both kinds, each with a score given by a classifier that did not see it."""

    truth: Array
    """1 for a human bug."""
    scores: Array
    fold: Array
    samples: tuple[Sample, ...]
    folds: Folds

    def score(
        self, *, operator: str | None = None, repository: str | None = None, seed: int = 0
    ) -> SeparationScore | None:
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
        parts = [
            (scores[(fold == n) & (truth == 1)], scores[(fold == n) & (truth == 0)])
            for n in np.unique(fold)
        ]
        parts = [(one, two) for one, two in parts if len(one) and len(two)]
        low, high = interval(parts, seed)
        return SeparationScore(
            auc=round(float(mean_area(*flat(parts))), 4),
            low=round(low, 4),
            high=round(high, 4),
            human=human,
            other=other,
            folds=self.folds,
        )


def score_samples(
    human: Sequence[Sample], other: Sequence[Sample], *, seed: int = 0
) -> ScoredSamples | None:
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
    scores, fold = score_unseen(matrix, truth, groups, seed)
    folds: Folds = "within the repository" if groups is None else "by repository"
    return ScoredSamples(truth=truth, scores=scores, fold=fold, samples=tuple(samples), folds=folds)


def score_unseen(
    matrix: Array, truth: Array, groups: Array | None, seed: int
) -> tuple[Array, Array]:
    """Score each sample by gradient-boosted trees that did not see its group.

    Without groups, that did not see its part, of parts that have each kind evenly. Each kind weighs
    as much as the other. Return the scores, and the part of each sample.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, class_weight="balanced", random_state=seed
    )
    parting = (
        StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        if groups is None
        else LeaveOneGroupOut()
    )
    scores, fold = numpy().empty(len(truth)), numpy().empty(len(truth), dtype=int)
    with threadpool_limits(1):  # The samples are few: more threads only wait for one another.
        for number, (seen, unseen) in enumerate(parting.split(matrix, truth, groups)):
            model.fit(matrix[seen], truth[seen])
            scores[unseen] = model.predict_proba(matrix[unseen])[:, 1]
            fold[unseen] = number
    return scores, fold


def usable_groups(samples: Sequence[Sample], truth: Array) -> Array | None:
    """Number the repositories; None where fewer than two have samples of both kinds."""
    np = numpy()
    names = sorted({sample.repository for sample in samples})
    groups: Array = np.array([names.index(sample.repository) for sample in samples])
    both = [g for g in range(len(names)) if len(set(truth[groups == g])) == 2]
    return groups if len(both) > 1 else None


def flat(parts: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Return the scores of the parts one after the other: human, other, human, other …"""
    return [side for part in parts for side in part]


def mean_area(*sides: Array) -> Array:
    """Return the mean AUC of some parts: scores of different classifiers are not compared.

    That is how often a human bug has the higher score, ties counting half: Mann and Whitney's U
    over the pairs. Scores lie along the last axis.
    """
    from scipy.stats import mannwhitneyu

    areas = [
        mannwhitneyu(one, two, axis=-1, method="asymptotic").statistic
        / (one.shape[-1] * two.shape[-1])
        for one, two in zip(sides[::2], sides[1::2], strict=True)
    ]
    return numpy().mean(areas, axis=0)  # type: ignore[no-any-return]


def interval(parts: Sequence[tuple[Array, Array]], seed: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean AUC; both kinds of a part are drawn anew."""
    from scipy.stats import bootstrap

    # One score alone is drawn again and again: the same as two that are equal, which scipy takes.
    sides = [side if len(side) > 1 else side.repeat(2) for side in flat(parts)]
    found = bootstrap(
        sides,
        lambda *drawn, axis: mean_area(*drawn),
        n_resamples=REPEATS,
        method="percentile",
        rng=numpy().random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


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

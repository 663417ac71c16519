"""Fit a profile: the likelihood ratio of human to made bugs, by their features.

Gradient-boosted trees that are to tell both kinds; with both weighing the same, their sum is the
logarithm of the likelihood ratio (as in density-ratio estimation by classification: M. Sugiyama,
T. Suzuki and T. Kanamori, *Density Ratio Estimation in Machine Learning*, 2012, chapter 4). It is
fitted in rounds: each on what is drawn by the trees so far, out of the candidates that a run would
look at. What few candidates have is drawn less than it should be, and the next round sees that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from forge.study.realism.samples import Sample
from forge.study.realism.two_sample import by_repository, numpy
from mutators.likely import EACH, draw_by_weight
from storage.errors import ConfigError
from syntax.features.profile import Profile, ProfiledRepository, Split

ROUNDS = 3
TREES = 40
"""Trees of a round."""
LEAVES = 8
RATE = 0.1
"""How much of what it found each tree may say."""
LEAST = 40
"""Samples in a leaf."""
FIRST_PART = 4
"""The first round is fitted on one candidate in so many."""
ENOUGH = 200
"""What has to be drawn for a round after the first."""
SMALL = 20
"""A repository with fewer samples of a kind weighs less than the others."""
TOO_FEW = (
    "a profile needs {fewest} human bugs and {fewest} candidates; there are {human} and {made}"
)
FEWEST = 50


def fit_profile(human: Sequence[Sample], candidates: Sequence[Sample], *, date: str) -> Profile:
    """Fit a profile; candidates are in the order in which a run looks at them.

    Raises ConfigError for too few samples, or where scikit-learn is missing.
    """
    numpy()
    if min(len(human), len(candidates)) < FEWEST:
        counts = {"human": len(human), "made": len(candidates)}
        raise ConfigError(TOO_FEW.format(fewest=FEWEST, **counts))
    profile = Profile(date=date, origins=origins_of(human, candidates), bias=0.0, trees=())
    for number in range(ROUNDS):
        share = EACH if number else FIRST_PART
        made = list(drawn_by(profile, candidates, share, seed=number))
        if number and len(made) < ENOUGH:
            break
        profile = with_round(profile, human, made, seed=number)
    return profile


def drawn_by(
    profile: Profile, candidates: Sequence[Sample], share: int, *, seed: int
) -> Iterator[Sample]:
    """Draw one candidate in so many of each repository, by the profile so far."""
    for _, own in sorted(by_repository(candidates).items()):
        chosen = draw_by_weight(own, lambda sample: profile.ratio(sample.numbers), seed=seed)
        yield from islice(chosen, math.ceil(len(own) / share))


def with_round(
    profile: Profile, human: Sequence[Sample], made: Sequence[Sample], *, seed: int
) -> Profile:
    """Add the trees that tell human bugs from what is drawn now."""
    np = numpy()
    from sklearn.ensemble import GradientBoostingClassifier

    samples = [*human, *made]
    names = list(samples[0].numbers)
    matrix = np.array([[sample.numbers[name] for name in names] for sample in samples])
    truth = np.array([True] * len(human) + [False] * len(made))
    model = GradientBoostingClassifier(
        n_estimators=TREES,
        max_leaf_nodes=LEAVES,
        max_depth=None,
        learning_rate=RATE,
        min_samples_leaf=min(LEAST, len(samples) // 10),
        subsample=0.5,
        max_features=0.5,
        init="zero",
        random_state=seed,
    )
    model.fit(matrix, truth, sample_weight=np.array([*balance(human), *balance(made)]))
    trees = [split_of(stage[0].tree_, 0, names) for stage in model.estimators_]
    grown = tuple(tree for tree in trees if isinstance(tree, Split))
    bias = profile.bias + sum(tree for tree in trees if not isinstance(tree, Split))
    return Profile(
        date=profile.date, origins=profile.origins, bias=bias, trees=(*profile.trees, *grown)
    )


def split_of(tree: Any, node: int, names: Sequence[str]) -> Split | float:
    """Read a part of a tree of scikit-learn."""
    low, high = int(tree.children_left[node]), int(tree.children_right[node])
    if low == high:
        return round(RATE * float(tree.value[node][0][0]), 3)
    return Split(
        feature=names[tree.feature[node]],
        edge=round(float(tree.threshold[node]), 4),
        low=split_of(tree, low, names),
        high=split_of(tree, high, names),
    )


def balance(samples: Sequence[Sample]) -> list[float]:
    """Weigh the samples of one kind: their sum is 1, and repositories weigh the same."""
    sizes = {name: max(len(own), SMALL) for name, own in by_repository(samples).items()}
    weights = [1.0 / sizes[sample.repository] for sample in samples]
    total = sum(weights)
    return [weight / total for weight in weights]


def origins_of(human: Sequence[Sample], made: Sequence[Sample]) -> tuple[ProfiledRepository, ...]:
    """Count the samples of each repository."""
    one, other = by_repository(human), by_repository(made)
    return tuple(
        ProfiledRepository(
            repository=name, human=len(one.get(name, ())), made=len(other.get(name, ()))
        )
        for name in sorted({*one, *other})
    )

"""Fit a profile: the likelihood ratio of human to made bugs, feature by feature.

A logistic regression over ranges of the features. With both kinds weighing the same, its linear
part is the logarithm of the likelihood ratio; every repository weighs the same within a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.realism.samples import Sample
from bot.realism.twosample import by_repository, numpy
from storage.errors import ConfigError
from syntax.features.profile import Card, Origin, Profile

if TYPE_CHECKING:
    from bot.realism.twosample import Array

RANGES = 8
STRENGTH = 0.3
"""Inverse of the regularisation's strength."""
SMALL = 20
"""A repository with fewer samples of a kind weighs less than the others."""
TOO_FEW = "a profile needs {fewest} human and {fewest} made bugs; there are {human} and {made}"
FEWEST = 50


def fit_profile(human: Sequence[Sample], made: Sequence[Sample], *, date: str) -> Profile:
    """Fit a profile. Raises ConfigError for too few samples, or where scikit-learn is missing."""
    np = numpy()
    from sklearn.linear_model import LogisticRegression

    if min(len(human), len(made)) < FEWEST:
        raise ConfigError(TOO_FEW.format(fewest=FEWEST, human=len(human), made=len(made)))
    samples = [*human, *made]
    names = list(samples[0].numbers)
    matrix = np.array([[sample.numbers[name] for name in names] for sample in samples])
    truth = np.array([True] * len(human) + [False] * len(made))
    edges = [edges_of(matrix[:, column]) for column in range(len(names))]
    ranged = np.hstack([one_hot(matrix[:, n], found) for n, found in enumerate(edges)])
    weights = np.array([*balance(human), *balance(made)]) * len(samples) / 2
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit(ranged, truth, sample_weight=weights)
    cards, at = {}, 0
    for name, found in zip(names, edges, strict=True):
        own = model.coef_[0][at : at + len(found) + 1]
        at += len(found) + 1
        cards[name] = Card(
            edges=tuple(round(float(edge), 4) for edge in found),
            weights=tuple(round(float(weight), 3) for weight in own),
        )
    return Profile(
        date=date,
        origins=origins_of(human, made),
        bias=round(float(model.intercept_[0]), 3),
        cards=cards,
    )


def edges_of(column: Array) -> Array:
    """Cut a feature into ranges with about as many samples in each; a flag into its two values."""
    np = numpy()
    if set(column) <= {0.0, 1.0}:
        found: Array = np.array([0.5])
    else:
        found = np.unique(np.quantile(column, np.linspace(0, 1, RANGES + 1)[1:-1]).round(4))
    return found


def one_hot(column: Array, edges: Array) -> Any:
    """Say for each sample which range it is in."""
    np = numpy()
    return np.eye(len(edges) + 1)[np.searchsorted(edges, column, "left")]


def balance(samples: Sequence[Sample]) -> list[float]:
    """Weigh the samples of one kind: their sum is 1, and repositories weigh the same."""
    sizes = {name: max(len(own), SMALL) for name, own in by_repository(samples).items()}
    weights = [1.0 / sizes[sample.repository] for sample in samples]
    return [weight / sum(weights) for weight in weights]


def origins_of(human: Sequence[Sample], made: Sequence[Sample]) -> tuple[Origin, ...]:
    """Count the samples of each repository."""
    one, other = by_repository(human), by_repository(made)
    return tuple(
        Origin(repository=name, human=len(one.get(name, ())), made=len(other.get(name, ())))
        for name in sorted({*one, *other})
    )

"""How near the tests that made bugs fail are to those that people's bugs fail.

The similarity of two sets of failing tests is the Ochiai coefficient, as in M. Ojdanic and others,
*Syntactic Vs. Semantic similarity of Artificial and Real Faults in Mutation Testing Studies*, 2021,
https://arxiv.org/abs/2112.14508. A human bug is coupled to made ones as in R. Just and others, *Are
Mutants a Valid Substitute for Real Faults in Software Testing?*, FSE 2014,
https://doi.org/10.1145/2635868.2635929: a test that notices it notices a made one too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

Failing = frozenset[str]
"""The tests that fail with a bug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """The failing tests of made bugs beside those of people's, in the same repositories."""

    made: int
    human: int
    similarity: float
    """Mean over the made bugs of the Ochiai coefficient with the nearest human bug, 0 to 1."""
    coupled: float
    """Share of the human bugs that share a failing test with a made one."""
    same: float
    """Share of the human bugs that fail just the tests that a made one fails."""


def ochiai(one: Failing, other: Failing) -> float:
    """Return the similarity of two sets: 1 for the same, 0 where they share nothing."""
    if not one or not other:
        return 0.0
    return len(one & other) / math.sqrt(len(one) * len(other))


def nearest(one: Failing, others: Collection[Failing]) -> float:
    """Return the similarity to the one that is nearest."""
    return max((ochiai(one, other) for other in others), default=0.0)


def nearness(
    repositories: Sequence[tuple[Sequence[Failing], Sequence[Failing]]],
) -> Nearness | None:
    """Compare the made and the human bugs of each repository; None where there is no pair."""
    pairs = [(made, human) for made, human in repositories if made and human]
    if not pairs:
        return None
    similar = [nearest(one, human) for made, human in pairs for one in made]
    best = [(one, made) for made, human in pairs for one in human]
    return Nearness(
        made=len(similar),
        human=len(best),
        similarity=round(sum(similar) / len(similar), 4),
        coupled=share(any(one & each for each in made) for one, made in best),
        same=share(one in made for one, made in best),
    )


def share(answers: Iterable[bool]) -> float:
    """Return how many of some answers are yes."""
    found = list(answers)
    return round(sum(found) / len(found), 4) if found else 0.0

"""How much likelier the features of a bug are among people's bugs than among made ones.

A scorecard: each feature is cut into ranges, each range adds its weight, and the sum is the
logarithm of the likelihood ratio. Small enough to be read, and used without what fitted it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from storage.errors import ConfigError

MOST = 6.0
"""What the logarithm of a ratio is cut at, so that no single bug outweighs all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One feature: the ends of its ranges (inclusive), and the weight of each and of the rest."""

    edges: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A repository that a profile was fitted on."""

    repository: str
    human: int
    made: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A fitted scorecard and what it was fitted on."""

    date: str
    """ISO, of the day it was fitted."""
    origins: tuple[Origin, ...]
    bias: float
    cards: Mapping[str, Card]
    """By name of the feature."""

    def log_ratio(self, numbers: Mapping[str, float]) -> float:
        """Return the logarithm of human to made likelihood, bounded. Unknown features count 0."""
        total = self.bias
        for name, card in self.cards.items():
            if name in numbers:
                total += card.weights[bisect_left(card.edges, numbers[name])]
        return max(-MOST, min(MOST, total))

    def ratio(self, numbers: Mapping[str, float]) -> float:
        """Return the likelihood ratio."""
        return math.exp(self.log_ratio(numbers))

    def knows(self, repository: str) -> bool:
        """Say whether it was fitted on a repository, named as ``owner/name``."""
        return any(o.repository.lower() == repository.lower() for o in self.origins)

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def read_profile(data: bytes, name: str) -> Profile:
    """Read a profile from JSON. Raises ConfigError that names it where it is none."""
    try:
        found = msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is no profile of human bugs: {error}") from error
    for feature, card in found.cards.items():
        if len(card.weights) != len(card.edges) + 1 or list(card.edges) != sorted(card.edges):
            raise ConfigError(f"{name} is no profile of human bugs: {feature} has the wrong ranges")
    return found

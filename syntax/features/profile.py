"""How much likelier the features of a bug are among people's bugs than among made ones.

A sum of small decision trees over the features is the logarithm of the likelihood ratio. It is used
without what fitted it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from storage.errors import ConfigError

MOST = 6.0
"""What the logarithm of a ratio is cut at, so that no single bug outweighs all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A question about one feature, and where its answers lead: to a number, or the next split."""

    feature: str
    edge: float
    low: Split | float
    """Where the feature is at most the edge."""
    high: Split | float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledRepository:
    """A repository that a profile was fitted on."""

    repository: str
    human: int
    made: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Fitted trees and what they were fitted on."""

    date: str
    """ISO, of the day it was fitted."""
    origins: tuple[ProfiledRepository, ...]
    bias: float
    trees: tuple[Split, ...]

    def log_ratio(self, numbers: Mapping[str, float]) -> float:
        """Return the logarithm of human to made likelihood, bounded. Unknown features are 0."""
        total = self.bias
        for tree in self.trees:
            node: Split | float = tree
            while isinstance(node, Split):
                node = node.low if numbers.get(node.feature, 0.0) <= node.edge else node.high
            total += node
        return max(-MOST, min(MOST, total))

    def ratio(self, numbers: Mapping[str, float]) -> float:
        """Return the likelihood ratio."""
        return math.exp(self.log_ratio(numbers))

    def knows(self, repository: str) -> bool:
        """Say whether it was fitted on a repository, named as ``owner/name``."""
        return any(o.repository.lower() == repository.lower() for o in self.origins)

    def encode_json(self) -> bytes:
        """Return it as JSON, a line for each tree."""
        head = msgspec.json.encode({"date": self.date, "origins": self.origins, "bias": self.bias})
        trees = b",\n".join(msgspec.json.encode(tree) for tree in self.trees)
        return head[:-1] + b',"trees":[\n' + trees + b"\n]}\n"


def read_profile(data: bytes, name: str) -> Profile:
    """Read a profile from JSON. Raises ConfigError that names it where it is none."""
    try:
        return msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{name} is no profile of human bugs: {error}") from error

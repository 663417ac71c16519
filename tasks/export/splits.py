"""Put tasks into train, validation and test by repository family: no family is in two.

Forks and mirrors of one project are one family: by their name, or by the files they share. A
family's place depends on the family alone, so it stays where it is when others are added.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
TEST_SHARE = 20
VALIDATION_SHARE = 10
"""In a hundred families."""
SHARED = 0.3
"""Of the smaller one's files: two repositories that share so many are of one family."""
FEWEST = 5
"""Files that count, fewer say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A repository at one commit: its name, and the digests of its files' contents."""

    tree: str
    name: str
    files: frozenset[str]


def splits(relatives: Iterable[Relative]) -> dict[str, Split]:
    """Return the split of each tree."""
    return {tree: place(family) for tree, family in families(relatives).items()}


def families(relatives: Iterable[Relative]) -> dict[str, str]:
    """Return for each tree the name of its family: the least of its members' names."""
    ordered = sorted(relatives, key=lambda each: (each.name, each.tree))
    above: dict[str, str] = {each.tree: each.tree for each in ordered}

    def top(tree: str) -> str:
        while above[tree] != tree:
            tree = above[tree]
        return tree

    for number, one in enumerate(ordered):
        for other in ordered[number + 1 :]:
            if is_related(one, other):
                above[top(other.tree)] = top(one.tree)
    names: dict[str, str] = {}
    for each in ordered:
        names.setdefault(top(each.tree), plain(each.name))
    return {each.tree: names[top(each.tree)] for each in ordered}


def is_related(one: Relative, other: Relative) -> bool:
    """Say whether two repositories are of one family."""
    if plain(one.name) == plain(other.name):
        return True
    least = min(len(one.files), len(other.files))
    return least >= FEWEST and len(one.files & other.files) >= SHARED * least


def plain(name: str) -> str:
    """Return a project's name as package indexes compare them, without its owner."""
    return re.sub(r"[-_.]+", "-", name.rpartition("/")[2].lower())


def place(family: str) -> Split:
    """Return a family's split, by the digest of its name."""
    number = int(hashlib.sha256(family.encode()).hexdigest(), 16) % 100
    if number < TEST_SHARE:
        return "test"
    return "validation" if number < TEST_SHARE + VALIDATION_SHARE else "train"

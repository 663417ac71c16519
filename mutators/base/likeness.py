"""How easily one name is written for another: shared words, opposites, a letter's difference."""

from __future__ import annotations

import functools
import re
from difflib import SequenceMatcher

WORD = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
OPPOSITES: tuple[frozenset[bytes], ...] = tuple(
    frozenset(line.split())
    for line in (
        b"start begin stop end finish",
        b"first last next prev previous",
        b"left right",
        b"head tail",
        b"top bottom",
        b"key keys value values item items val",
        b"width height length size depth count",
        b"row rows col cols column columns line lines",
        b"src source dst dest target",
        b"old new orig original cur current",
        b"before after",
        b"min max low high lower upper",
        b"in out",
        b"input output",
        b"read write",
        b"parent child children",
        b"request response",
        b"name names path paths",
        b"index idx pos offset",
        b"x y z",
        b"i j k n m",
        b"a b c",
        b"lhs rhs",
        b"args kwargs",
        b"prefix suffix",
        b"open close",
        b"encode decode dump load",
        b"add remove insert append",
        b"get set has",
        b"push pop",
        b"any all",
        b"true false",
        b"year month day hour minute second",
    )
)


def words(name: bytes) -> tuple[bytes, ...]:
    """The words of a name, in lower case: ``firstLine_2`` is ``first``, ``line``, ``2``."""
    return tuple(word.lower() for word in WORD.findall(name))


@functools.lru_cache(maxsize=1 << 14)
def likeness(one: bytes, other: bytes) -> int:
    """How near two names are: 0 for strangers, 2 for names that a person may confuse, up to 5."""
    ours, theirs = words(one), words(other)
    if ours == theirs or not ours or not theirs:
        return 3
    if len(ours) == len(theirs):
        differing = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
        if len(differing) == 1:
            if opposite(*differing[0]) or all(word.isdigit() for word in differing[0]):
                return 5
            if len(ours) > 1:
                return 4
    shared = set(ours) & set(theirs)
    if len("".join(word.decode() for word in shared)) >= 3:
        return 3
    near = SequenceMatcher(None, one, other).ratio() >= 0.75
    return 2 if near and min(len(one), len(other)) >= 3 else 0


def opposite(one: bytes, other: bytes) -> bool:
    """Say whether two words stand side by side in people's minds."""
    return any(one in group and other in group for group in OPPOSITES)

"""How alike patches and statements are, whatever their layout: normal forms, shingles, MinHash.

MinHash with locality-sensitive hashing (Broder 1997; Indyk and Motwani 1998) finds candidates; each
is then measured exactly, so no pair is called alike that is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from storage.errors import PatchError
from syntax.marked import marked_hunks

PERMUTATIONS = 64
WORDS_TOGETHER = 4
TOKENS_TOGETHER = 3
TOKEN = re.compile(r"[^\W\d]\w*|\d+|[^\w\s]")
WORD = re.compile(r"\w+")

Shingles = frozenset[str]


def of_patch(patch: str) -> Shingles:
    """Return the shingles of what a patch changes, whichever way it goes.

    Blanks, context, places and the direction are left out: a patch that makes a bug is alike to the
    one that mends it.
    """
    return shingle_patch(patch, "-+")


def around(patch: str) -> Shingles:
    """Return the shingles of the lines around what a patch changes: the same change elsewhere is
    another one.
    """
    return shingle_patch(patch, " ")


def shingle_patch(patch: str, marks: str) -> Shingles:
    """Return the shingles of a patch's lines with some marks; none of one that cannot be read."""
    try:
        hunks = marked_hunks(patch)
    except PatchError:
        return frozenset()
    found: set[str] = set()
    for hunk in hunks:
        for mark in marks:
            side = "\n".join(hunk.select_lines(mark))
            found.update(together(TOKEN.findall(side), TOKENS_TOGETHER))
    return frozenset(found)


def of_text(text: str) -> Shingles:
    """Return the shingles of a text: words in a row, upper case and marks left out."""
    return frozenset(together(WORD.findall(text.casefold()), WORDS_TOGETHER))


def together(words: list[str], count: int) -> Iterator[str]:
    """Yield every few words in a row; all of them where there are fewer."""
    if words:
        for at in range(max(1, len(words) - count + 1)):
            yield " ".join(words[at : at + count])


def jaccard(one: Shingles, other: Shingles) -> float:
    """Return the share of all shingles that both have; two empty ones have nothing alike."""
    return len(one & other) / len(one | other) if one and other else 0.0


class Alike:
    """A growing collection of shingles that can be asked for what is alike."""

    def __init__(self, likeness: float) -> None:
        # Only here: what it imports takes more than a second.
        from datasketch import MinHashLSH  # type: ignore[import-untyped]

        self._likeness = likeness
        self._lsh = MinHashLSH(threshold=likeness, num_perm=PERMUTATIONS)
        self._kept: dict[str, Shingles] = {}

    def add(self, key: str, shingles: Shingles) -> None:
        """Add one; what is empty is like nothing."""
        if shingles and key not in self._kept:
            self._kept[key] = shingles
            self._lsh.insert(key, signature(shingles), check_duplication=False)

    def nearest(
        self, shingles: Shingles, accepts: Callable[[str], bool] = lambda key: True
    ) -> tuple[str, float] | None:
        """Return the key of what is most alike, the first by name of several, and how much.

        Of what is alike only what ``accepts`` is true of.
        """
        if not shingles:
            return None
        found = [
            (-jaccard(shingles, self._kept[str(key)]), str(key))
            for key in self._lsh.query(signature(shingles))
            if accepts(str(key))
        ]
        best = min(found, default=(0.0, ""))
        return (best[1], -best[0]) if -best[0] >= self._likeness else None


def signature(shingles: Collection[str]) -> Any:
    """Return the MinHash of shingles."""
    from datasketch import MinHash

    made = MinHash(num_perm=PERMUTATIONS, hashfunc=hash_bytes)
    made.update_batch(encode_shingles(shingles))
    return made


def encode_shingles(shingles: Iterable[str]) -> list[bytes]:
    """Return shingles as bytes; those that are no text too."""
    return [each.encode("utf-8", "surrogateescape") for each in shingles]


def hash_bytes(data: bytes) -> int:
    """Return 32 bits of a digest, the same on any machine."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big")

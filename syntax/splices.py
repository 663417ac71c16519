"""A change of a file as one replaced range: whatever lies outside stays byte-identical."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Splice:
    """Bytes ``start`` to ``end`` (exclusive) become ``text``."""

    start: int
    end: int
    text: bytes

    def apply(self, data: bytes) -> bytes:
        """Return the bytes after the change."""
        return data[: self.start] + self.text + data[self.end :]


Splices = tuple[Splice, ...]
"""A change in several places of a file, in the order of its text."""


def merge(data: bytes, splices: Iterable[Splice]) -> Splice:
    """Turn several splices that do not overlap into one that has their effect."""
    ordered = sorted(splices, key=lambda splice: splice.start)
    start, end = ordered[0].start, max(splice.end for splice in ordered)
    parts, at = [], start
    for splice in ordered:
        if splice.start < at:
            raise ValueError("splices overlap")
        parts += [data[at : splice.start], splice.text]
        at = splice.end
    return Splice(start, end, b"".join(parts) + data[at:end])

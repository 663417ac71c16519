"""Patches that text formats can hold, of files that are not UTF-8: with fewer lines of context.

JSON and parquet hold text alone, and a patch carries the bytes of its files. Where only lines
around a change are no UTF-8, a patch without those does the same. As git has it, a hunk without
lines after its last change ends its file, so one of them has to stay:
https://git-scm.com/docs/git-apply#Documentation/git-apply.txt---unidiff-zero
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")
NO_UTF8 = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class TextHunk:
    """A hunk: where it starts on both sides, as its header has it, and its lines with marks."""

    old: int
    new: int
    lines: tuple[str, ...]
    rest: str
    """What follows in the header."""


def narrow_context(patch: str) -> str:
    """Return a patch without context that is no UTF-8; unchanged where that cannot be."""
    if not NO_UTF8.search(patch):
        return patch
    lines, written, at = patch.split("\n"), [], 0
    while at < len(lines):
        match = HEADER.fullmatch(lines[at])
        if match is None:
            written.append(lines[at])
            at += 1
            continue
        end = find_end(lines, at + 1, *(int(match[n] or 1) for n in (2, 4)))
        rest = "" if NO_UTF8.search(match[5]) else match[5]
        hunk = TextHunk(int(match[1]), int(match[3]), tuple(lines[at + 1 : end]), rest)
        narrowed = narrow_hunk(hunk)
        written += lines[at:end] if narrowed.lines == hunk.lines else write_hunk(narrowed)
        at = end
    found = "\n".join(written)
    return patch if NO_UTF8.search(found) else found


def find_end(lines: list[str], at: int, old: int, new: int) -> int:
    """Return the number of the line after a hunk that has so many lines on both sides."""
    while at < len(lines) and (old > 0 or new > 0 or lines[at].startswith("\\")):
        old -= lines[at][:1] not in ("+", "\\")
        new -= lines[at][:1] not in ("-", "\\")
        at += 1
    return at


def narrow_hunk(hunk: TextHunk) -> TextHunk:
    """Leave out the lines around the changes, from the nearest on that is no UTF-8."""
    changed = [number for number, line in enumerate(hunk.lines) if line[:1] in ("+", "-", "\\")]
    if not changed:
        return hunk
    first, last = changed[0], changed[-1]
    before, after = hunk.lines[:first], hunk.lines[last + 1 :]
    cut = next((n + 1 for n in reversed(range(first)) if NO_UTF8.search(before[n])), 0)
    kept = next((n for n, line in enumerate(after) if NO_UTF8.search(line)), len(after))
    # A line without its end is the last of its file, and so is a change that nothing follows.
    lines = hunk.lines[cut : last + 1 + (kept or len(after))]
    return TextHunk(hunk.old + cut, hunk.new + cut, lines, hunk.rest)


def write_hunk(hunk: TextHunk) -> list[str]:
    """Return the lines of a hunk, with its header."""
    old = sum(line[:1] not in ("+", "\\") for line in hunk.lines)
    new = sum(line[:1] not in ("-", "\\") for line in hunk.lines)
    # An empty side starts at the line before it.
    places = (hunk.old - (not old and hunk.old > 0), hunk.new - (not new and hunk.new > 0))
    return [f"@@ -{places[0]},{old} +{places[1]},{new} @@{hunk.rest}", *hunk.lines]

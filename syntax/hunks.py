"""Hunks of a text patch: read, written, and placed in a file as git places them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from storage.errors import PatchError
from syntax.text import split_lines

RANGE = re.compile(rb"@@ -(\d{1,15})(?:,(\d{1,15}))? \+(\d{1,15})(?:,(\d{1,15}))? @@([^\n]*)\n?")
NO_NEWLINE = b"\\ No newline at end of file\n"
MarkedLine = tuple[bytes, bytes]
"""A mark (a space, ``-`` or ``+``) and a line with its end."""


@dataclass(slots=True)
class Hunk:
    """One hunk: where it starts on both sides, as its header says, and its marked lines."""

    old_start: int
    new_start: int
    lines: Sequence[MarkedLine]
    heading: bytes = b""
    old: list[bytes] = field(init=False)
    new: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.old = [line for mark, line in self.lines if mark != b"+"]
        self.new = [line for mark, line in self.lines if mark != b"-"]

    @property
    def old_first(self) -> int:
        """The first line on the old side, from 0."""
        return self.old_start - (1 if self.old else 0)

    @property
    def new_first(self) -> int:
        """The first line on the new side, from 0."""
        return self.new_start - (1 if self.new else 0)

    @property
    def trailing(self) -> int:
        """How many lines of context end it."""
        marks = [mark for mark, _ in self.lines]
        return next((at for at, mark in enumerate(reversed(marks)) if mark != b" "), len(marks))

    @property
    def has_context(self) -> bool:
        """Whether it holds a line that stays."""
        return any(mark == b" " for mark, _ in self.lines)


def reverse_hunk(hunk: Hunk) -> Hunk:
    """Return the hunk that undoes one, removed lines before added ones as ever."""
    lines: list[MarkedLine] = []
    added: list[MarkedLine] = []
    for mark, line in hunk.lines:
        if mark == b"-":
            added.append((b"+", line))
        elif mark == b"+":
            lines.append((b"-", line))
        else:
            lines += [*added, (mark, line)]
            added = []
    return Hunk(hunk.new_start, hunk.old_start, lines + added, hunk.heading)


def write_hunk(hunk: Hunk) -> bytes:
    """Write one hunk with its header."""
    spans = write_span(hunk.old_start, len(hunk.old)), write_span(hunk.new_start, len(hunk.new))
    parts = [b"@@ -%s +%s @@%s\n" % (*spans, hunk.heading)]
    for mark, line in hunk.lines:
        parts.append(mark + line)
        if not line.endswith(b"\n"):
            parts.append(b"\n" + NO_NEWLINE)
    return b"".join(parts)


def write_span(start: int, count: int) -> bytes:
    """Write a side's range in a hunk header."""
    return b"%d" % start if count == 1 else b"%d,%d" % (start, count)


def read_hunk(lines: list[bytes], at: int) -> tuple[Hunk, int]:
    """Read the hunk whose header is line ``at``; return it and the number of the line after it.

    Raises PatchError when its lines do not fit its header.
    """
    match = RANGE.match(lines[at])
    if match is None:
        raise PatchError(f"the patch is malformed at its line {at + 1}: a hunk header")
    old_left, new_left = (1 if count is None else int(count) for count in match.group(2, 4))
    marked: list[MarkedLine] = []
    end = at + 1
    while old_left or new_left:
        line = lines[end] if end < len(lines) else b""
        mark = line[:1]
        end += 1
        if mark == b"\\":
            end_line(marked, line, end)
            continue
        if mark not in (b" ", b"-", b"+", b"\n") or not line.endswith(b"\n"):
            raise PatchError(
                f"the patch is malformed at its line {end}: a hunk shorter than its header says"
            )
        old_left -= mark != b"+"
        new_left -= mark != b"-"
        if old_left < 0 or new_left < 0:
            raise PatchError(
                f"the patch is malformed at its line {end}: a hunk longer than its header says"
            )
        marked.append((b" ", b"\n") if mark == b"\n" else (mark, line[1:]))
    if end < len(lines) and lines[end].startswith(b"\\ "):
        end_line(marked, lines[end], end + 1)
        end += 1
    if all(mark == b" " for mark, _ in marked):
        raise PatchError(f"the patch is malformed at its line {at + 1}: a hunk without a change")
    return Hunk(int(match[1]), int(match[3]), marked, match[5].rstrip(b"\r")), end


def end_line(marked: list[MarkedLine], said: bytes, number: int) -> None:
    """Take the line feed of the last line read, for ``\\ No newline`` follows it."""
    # In any language: git looks at its length alone.
    if len(said) < 12 or not said.startswith(b"\\ ") or not marked:
        raise PatchError(f"the patch is malformed at its line {number}: no line that ends a hunk")
    mark, line = marked[-1]
    marked[-1] = (mark, line.removesuffix(b"\n"))


def apply_hunks(before: bytes, hunks: Sequence[Hunk], *, reverse: bool, path: str) -> bytes:
    """Apply hunks to one file; each may lie off its place by lines, but must match exactly.

    Placed as git does: nearest to where it is said to be; at the file's beginning or end where
    the hunk has no context there; never on lines that another hunk made. Raises PatchError.
    """
    wanted = [reverse_hunk(hunk) for hunk in hunks] if reverse else list(hunks)
    # A hunk that another follows is not at the file's end: one without context there has none.
    if all(hunk.has_context for hunk in wanted) and all(hunk.trailing for hunk in wanted[:-1]):
        return place_hunks(before, wanted, path)
    if len(wanted) == 1 and wanted[0].old_start <= bool(wanted[0].old):
        # The whole file, or the first lines of one: without context both look the same.
        try:
            return place_hunks(before, wanted, path)
        except PatchError:
            pass
    return place_hunks(before, wanted, path, is_anchored=False)


def place_hunks(
    before: bytes, hunks: Sequence[Hunk], path: str, *, is_anchored: bool = True
) -> bytes:
    """Apply hunks one after the other. Raises PatchError.

    Not anchored, a hunk without context before or after it may lie anywhere, as with git's
    ``--unidiff-zero``.
    """
    lines = split_lines(before)
    # The same lines, but None where a hunk was applied: nothing matches there again.
    open_lines: list[bytes | None] = [*lines]
    for hunk in hunks:
        place = find_place(open_lines, hunk, is_anchored)
        if place is None:
            raise PatchError(f"the patch does not apply to {path} at line {hunk.old_start}")
        end = place + len(hunk.old)
        lines[place:end] = hunk.new
        open_lines[place:end] = [None] * len(hunk.new)
    return b"".join(lines)


def find_place(lines: Sequence[bytes | None], hunk: Hunk, is_anchored: bool) -> int | None:
    """Find where a hunk lies by git's rules; None where it does not match."""
    at_start = hunk.old_start == 0 or (hunk.old_start == 1 and is_anchored)
    at_end = is_anchored and not hunk.trailing
    last = len(lines) - len(hunk.old)
    if at_start or at_end:
        place = 0 if at_start else last
        fits = place == last or (not at_end and last >= 0)
        return place if fits and has_block(lines, hunk.old, place, at_end=at_end) else None
    return find_block(lines, hunk.old, max(hunk.new_start - 1, 0))


def has_block(
    lines: Sequence[bytes | None], block: Sequence[bytes], place: int, *, at_end: bool = False
) -> bool:
    """Say whether a block lies at a place.

    A last line without a line feed matches one with it, as for git, unless it ends the file.
    """
    if place < 0 or place + len(block) > len(lines):
        return False
    there = lines[place : place + len(block)]
    if there == block or not block:
        return True
    return not at_end and there[:-1] == block[:-1] and is_same_line(there[-1], block[-1])


def is_same_line(found: bytes | None, line: bytes) -> bool:
    """Say whether a line of a file is that of a hunk, which may lack its line feed."""
    if found is None or found == line or line.endswith(b"\n"):
        return found == line
    return found.startswith(line) and not found[len(line) :].strip()


def find_block(
    lines: Sequence[bytes | None], block: Sequence[bytes], wanted: int, lowest: int = 0
) -> int | None:
    """Find where a block lies, nearest to where it is said to be; the later of two as near."""
    wanted = min(max(wanted, lowest), len(lines))
    if has_block(lines, block, wanted):
        return wanted
    if not block or block[-1].endswith(b"\n"):
        places = list_places(lines, block, lowest)
    else:
        body, last = block[:-1], block[-1]
        ends = ((place, place + len(body)) for place in list_places(lines, body, lowest))
        places = [at for at, end in ends if end < len(lines) and is_same_line(lines[end], last)]
    return min(places, key=lambda place: (abs(place - wanted), -place), default=None)


def list_places(lines: Sequence[bytes | None], block: Sequence[bytes], lowest: int) -> list[int]:
    """List every place of a block, in time that grows with the lines alone (Knuth-Morris-Pratt)."""
    if not block:
        return list(range(lowest, len(lines) + 1))
    borders = list_borders(block)
    places, matched = [], 0
    for at in range(lowest, len(lines)):
        while matched and lines[at] != block[matched]:
            matched = borders[matched - 1]
        matched += lines[at] == block[matched]
        if matched == len(block):
            places.append(at - len(block) + 1)
            matched = borders[matched - 1]
    return places


def list_borders(block: Sequence[bytes]) -> list[int]:
    """Return, for each beginning of a block, how long its longest proper border is."""
    borders = [0] * len(block)
    length = 0
    for at in range(1, len(block)):
        while length and block[at] != block[length]:
            length = borders[length - 1]
        length += block[at] == block[length]
        borders[at] = length
    return borders

"""A diff as hunks of marked lines, for those who read it and do not apply it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syntax.patch_text import side
from syntax.patches import decode, encode
from syntax.text import split_lines

HEADER = re.compile(rb"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@ ?(.*)")


@dataclass(frozen=True, slots=True)
class MarkedHunk:
    """One hunk: the file after the change (before it, when it is deleted), and its lines."""

    path: str
    heading: str
    """What stands behind the header: the line of the function or class around, by git's guess."""
    lines: tuple[tuple[str, str], ...]
    """Mark (a space, ``+`` or ``-``) and text, without its line end."""

    def having(self, marks: str) -> list[str]:
        """Return the lines with one of these marks."""
        return [text for mark, text in self.lines if mark in marks]


def marked_hunks(diff: str) -> list[MarkedHunk]:
    """Return the hunks of a diff; binary changes have none. Raises PatchError for unsafe paths."""
    return list(_hunks(split_lines(encode(diff))))


def _hunks(lines: Sequence[bytes]) -> Iterator[MarkedHunk]:
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(b"--- "):
            path = side(line, b"a/") or path
        elif line.startswith(b"+++ "):
            path = side(line, b"b/") or path
        elif found := HEADER.match(line):
            old, new = (1 if n is None else int(n) for n in found.groups()[:2])
            marked = list(_marked(lines[at:], old, new))
            at += len(marked)
            yield MarkedHunk(path, decode(found[3]).strip(), tuple(p for p in marked if p[0]))


def _marked(lines: Sequence[bytes], old: int, new: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of one hunk; one without a mark stands for what git says of a line."""
    for line in lines:
        if line.startswith(b"\\"):
            yield "", ""
            continue
        if old <= 0 and new <= 0:
            return
        mark = " " if line in (b"\n", b"\r\n") else decode(line[:1])
        if mark not in (" ", "+", "-"):
            return
        old -= mark != "+"
        new -= mark != "-"
        yield mark, decode(line[1:].rstrip(b"\r\n"))

"""A diff as hunks of marked lines, for those who read it and do not apply it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from unidiff.constants import DEV_NULL
from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from storage.errors import PatchError
from syntax.patch_text import side
from syntax.patches import CONTEXT, encode

MARKS = frozenset(" +-")
DEFINITION = re.compile(r"\s*(?:async\s+)?(?:def|class|func|function|fn)\s+(\w+)")
"""A line that begins a definition, in any language; its name."""


@dataclass(frozen=True, slots=True)
class MarkedHunk:
    """One hunk: the file after the change (before it, when it is deleted), and its lines."""

    path: str
    heading: str
    """What stands behind the header: the line of the function or class around, by git's guess."""
    lines: tuple[tuple[str, str], ...]
    """Mark (a space, ``+`` or ``-``) and text, without its line end."""
    first: int = 1
    """The line of the file before the change that the hunk begins with, from 1."""

    def select_lines(self, marks: str) -> list[str]:
        """Return the lines with one of these marks."""
        return [text for mark, text in self.lines if mark in marks]

    def first_changed(self) -> int:
        """Return the line, from 1, of the first line that is removed or added before."""
        marks = [mark for mark, _ in self.lines]
        return self.first + next((at for at, mark in enumerate(marks) if mark != " "), 0)


def parse_diff(diff: str) -> PatchSet:
    """Parse a diff to be read, its files without hunks left out. Raises PatchError."""
    try:
        return PatchSet(_plain_lines(diff))
    except UnidiffParseError as error:
        raise PatchError(f"the patch is malformed: {' '.join(str(error).split())}") from error


def marked_hunks(diff: str) -> list[MarkedHunk]:
    """Return the hunks of a diff; binary changes have none.

    Raises PatchError for unsafe paths, and where hunks are not what their headers say.
    """
    return [_read_hunk_lines(_path(file), hunk) for file in parse_diff(diff) for hunk in file]


def first_changed_line(diff: str) -> int:
    """Return the line, from 1, of the first line that a diff removes or adds before.

    Where a file is only made, emptied or given another mode, that is its first.
    """
    hunks = marked_hunks(diff)
    return hunks[0].first_changed() if hunks else 1


def _plain_lines(diff: str) -> Iterator[str]:
    is_header = False
    for line in StringIO(diff):
        # unidiff cuts "diff --git a/x b/y" at its last " b/": a file "x b/y" would be refused.
        is_header = line.startswith("diff --git ") or (
            is_header and not line.startswith(("--- ", "@@ "))
        )
        if not is_header:
            yield line
    # Where blanks at the end were stripped, a last line of context that is empty went with them.
    yield from "\n" * CONTEXT


def _path(file: PatchedFile) -> str:
    if file.target_file != DEV_NULL:
        return side(encode(f"+++ {file.target_file}"), b"b/") or ""
    return side(encode(f"--- {file.source_file}"), b"a/") or ""


def _read_hunk_lines(path: str, hunk: Hunk) -> MarkedHunk:
    return MarkedHunk(
        path=path,
        heading=hunk.section_header.strip(),
        lines=tuple(
            (line.line_type, line.value.rstrip("\r\n")) for line in hunk if line.line_type in MARKS
        ),
        first=hunk.source_start,
    )

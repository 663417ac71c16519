"""Diffs as rows to show: numbered, marked, and cut where nobody would read on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from bot.service.pages.display import describe, is_hidden, name_character

Kind = Literal["file", "hunk", "kept", "added", "removed", "note"]

LONGEST_LINE = 300
MOST_LINES = 1500
MARKS = frozenset(" +-")
KINDS: dict[str, Kind] = {" ": "kept", "+": "added", "-": "removed", "\\": "note"}
MODES = ("new file", "deleted file", "old mode", "new mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPiece:
    """A part of a line; one that is ``hidden`` is a character that shows nothing by itself."""

    text: str
    hidden: str = ""
    """What the character is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of a diff. Numbers are those of the line before and after, 0 for none."""

    kind: Kind
    pieces: tuple[DiffPiece, ...]
    before: int = 0
    after: int = 0
    left_out: int = 0
    """Characters at its end that are not shown."""

    @property
    def mark(self) -> str:
        return {"added": "+", "removed": "-"}.get(self.kind, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A diff to show."""

    lines: tuple[DiffLine, ...]
    added: int
    removed: int
    left_out: int
    """Lines at its end that are not shown."""


def read_diff(patch: str) -> Diff:
    """Read a unified diff; one that is malformed is shown as it is.

    Where every line ends in CRLF, that is not worth showing.
    """
    try:
        files = PatchSet(patch)
    except UnidiffParseError as error:
        lines = [
            _line("note", f"this patch is malformed: {' '.join(str(error).split())}"),
            *_plain_lines(patch),
        ]
        return _cut(lines, added=0, removed=0)
    read = [line for file in files for hunk in file for line in hunk if line.line_type in MARKS]
    is_crlf = all(line.value.endswith("\r\n") for line in read)
    lines = [line for file in files for line in _file_lines(file, "\r" if is_crlf else "")]
    return _cut(lines, added=files.added, removed=files.removed)


def _cut(lines: Sequence[DiffLine], *, added: int, removed: int) -> Diff:
    left_out = max(0, len(lines) - MOST_LINES)
    return Diff(lines=tuple(lines[:MOST_LINES]), added=added, removed=removed, left_out=left_out)


def _plain_lines(patch: str) -> Iterator[DiffLine]:
    return (_line("kept", line) for line in patch.removesuffix("\n").split("\n"))


def _file_lines(file: PatchedFile, drop: str) -> Iterator[DiffLine]:
    yield _line("file", _name(file))
    for info in file.patch_info or ():
        if info.startswith(MODES):
            yield _line("note", info.removesuffix("\n"))
    for hunk in file:
        yield _line("hunk", str(hunk).partition("\n")[0])
        for line in hunk:
            if kind := KINDS.get(line.line_type):
                before, after = line.source_line_no or 0, line.target_line_no or 0
                yield _line(kind, line.value.removesuffix("\n").removesuffix(drop), before, after)


def _name(file: PatchedFile) -> str:
    """Return the path of a file; both, where it was renamed."""
    return f"{file.source_file} {file.target_file}" if file.is_rename else file.path


def _line(kind: Kind, text: str, before: int = 0, after: int = 0) -> DiffLine:
    shown = text[:LONGEST_LINE]
    left_out = len(text) - len(shown)
    return DiffLine(
        kind=kind, pieces=tuple(pieces(shown)), before=before, after=after, left_out=left_out
    )


def pieces(text: str) -> Iterator[DiffPiece]:
    """Split a line where characters hide."""
    start = 0
    for place, char in enumerate(text):
        if is_hidden(char):
            if start < place:
                yield DiffPiece(text=text[start:place])
            yield DiffPiece(text=name_character(char), hidden=describe(char))
            start = place + 1
    if start < len(text):
        yield DiffPiece(text=text[start:])

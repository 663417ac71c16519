"""Diffs as rows to show: numbered, marked, and cut where nobody would read on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.service.pages.display import describe, is_hidden, named

Kind = Literal["file", "hunk", "kept", "added", "removed", "note"]

LONGEST_LINE = 300
MOST_LINES = 1500
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
FILES = ("---", "+++")
KINDS: dict[str, Kind] = {" ": "kept", "+": "added", "-": "removed", "\\": "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a line; one that is ``hidden`` is a character that shows nothing by itself."""

    text: str
    hidden: str = ""
    """What the character is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of a diff. Numbers are those of the line before and after, 0 for none."""

    kind: Kind
    pieces: tuple[Piece, ...]
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
    """Read a unified diff. Where every line ends in CRLF, that is not worth showing."""
    body = [line for line in patch.split("\n") if line[:1] in KINDS and line[:3] not in FILES]
    if body and all(line.endswith("\r") for line in body if line[0] != "\\"):
        patch = patch.replace("\r\n", "\n")
    lines = list(_lines(patch))
    return Diff(
        lines=tuple(lines[:MOST_LINES]),
        added=sum(line.kind == "added" for line in lines),
        removed=sum(line.kind == "removed" for line in lines),
        left_out=max(0, len(lines) - MOST_LINES),
    )


def _lines(patch: str) -> Iterator[DiffLine]:
    # A hunk says how many lines it has: a removed "-- x" would else pass for a file's header.
    before = after = before_left = after_left = 0
    named_before = False
    for text in patch.removesuffix("\n").split("\n"):
        kind = KINDS.get(text[:1], "kept")
        if before_left > 0 or after_left > 0 or kind == "note":
            is_before, is_after = kind in ("kept", "removed"), kind in ("kept", "added")
            yield _line(kind, text[1:], before * is_before, after * is_after)
            before, after = before + is_before, after + is_after
            before_left, after_left = before_left - is_before, after_left - is_after
        elif found := HUNK.match(text):
            before, after = int(found[1]), int(found[3])
            before_left, after_left = int(found[2] or 1), int(found[4] or 1)
            yield _line("hunk", text)
        elif text.startswith("diff "):
            named_before = True
            yield _line("file", _one_name(text.removeprefix("diff --git ")))
        elif text.startswith("+++ "):
            if not named_before:
                yield _line("file", text[4:].removeprefix("b/"))
            named_before = False
        elif text.startswith(("new file", "deleted file", "old mode", "new mode")):
            yield _line("note", text)


def _one_name(names: str) -> str:
    """Return the path of ``a/path b/path``; both, where they differ or are quoted."""
    before, after = names[: len(names) // 2], names[len(names) // 2 + 1 :]
    same = before.startswith("a/") and after == f"b/{before[2:]}"
    return before[2:] if same else names


def _line(kind: Kind, text: str, before: int = 0, after: int = 0) -> DiffLine:
    shown = text[:LONGEST_LINE]
    left_out = len(text) - len(shown)
    return DiffLine(
        kind=kind, pieces=tuple(pieces(shown)), before=before, after=after, left_out=left_out
    )


def pieces(text: str) -> Iterator[Piece]:
    """Split a line where characters hide."""
    start = 0
    for place, char in enumerate(text):
        if is_hidden(char):
            if start < place:
                yield Piece(text=text[start:place])
            yield Piece(text=named(char), hidden=describe(char))
            start = place + 1
    if start < len(text):
        yield Piece(text=text[start:])

"""The text of an issue as pieces: prose, fenced code, and comments that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

FENCE = re.compile(r"[\s>]*(`{3,}|~{3,})[ \t]*([^`\r\n]*)")

LONGEST_COMMENT = 200
"""Lines; what never ends would be searched for to the end of the text, from each beginning."""


@dataclass(frozen=True, slots=True)
class MarkdownPiece:
    """Whole lines of a text, each with its end; joined in order they are the text."""

    kind: Literal["prose", "fence", "comment"]
    lines: tuple[str, ...]
    info: str = ""
    """Of a fence: what stands behind it, as ``python``."""

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def inside(self) -> tuple[str, ...]:
        """Return the lines between the fences."""
        return self.lines[1:-1] if self.closed else self.lines[1:]

    @property
    def closed(self) -> bool:
        """Say whether a fence ends before the text does."""
        return len(self.lines) > 1 and closes(self.lines[-1], self.lines[0])


def pieces(text: str) -> Iterator[MarkdownPiece]:
    """Split a text. A comment is one that has its lines for itself; an open fence ends with it."""
    lines = [line for line in re.split(r"(?<=\n)", text) if line]
    prose: list[str] = []
    at = 0
    while at < len(lines):
        end, kind, info = at + 1, "prose", ""
        if fence := FENCE.match(lines[at]):
            end, kind, info = after_fence(lines, at), "fence", fence[2].strip().lower()
        elif lines[at].lstrip().startswith("<!--"):
            end = after_comment(lines, at)
            kind = "comment" if end > at else "prose"
            end = max(end, at + 1)
        if kind == "prose":
            prose.append(lines[at])
        else:
            if prose:
                yield MarkdownPiece("prose", tuple(prose))
            prose = []
            found = tuple(lines[at:end])
            yield (
                MarkdownPiece("fence", found, info)
                if kind == "fence"
                else MarkdownPiece("comment", found)
            )
        at = end
    if prose:
        yield MarkdownPiece("prose", tuple(prose))


def after_fence(lines: Sequence[str], at: int) -> int:
    """Return the number of the line after the one that closes a fence."""
    for number in range(at + 1, len(lines)):
        if closes(lines[number], lines[at]):
            return number + 1
    return len(lines)


def closes(line: str, opening: str) -> bool:
    """Say whether a line closes the fence that another opens."""
    first, last = FENCE.match(opening), FENCE.match(line)
    return (
        first is not None
        and last is not None
        and not last[2].strip()
        and last[1].startswith(first[1])
    )


def after_comment(lines: Sequence[str], at: int) -> int:
    """Return the number of the line after a comment; ``at`` when it shares a line with text."""
    for number in range(at, min(at + LONGEST_COMMENT, len(lines))):
        _, end, rest = lines[number].partition("-->")
        if end:
            return at if rest.strip() else number + 1
    return at

"""Take out of a text what gives a fix away: what leads to it, and code that repeats it.

A text in which nothing does is returned as it is, to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.markdown import MarkdownPiece, pieces
from tasks.references import Reference, Traces, references
from tasks.repeats import INLINE, is_trivial, normal, repeats

MOST_PASSES = 20
"""What is taken out may bring together what leads to the fix; a text made of that is dropped."""
AFTER_WORD = frozenset(".,;:!?)\n") | {""}
PAIRS = frozenset({"()", "[]", "<>", "``"})
DIFF_LINE = re.compile(r"@@ -|diff --git ")
HOSTS = (
    r"https?://(?:[\w-]*user-images\.githubusercontent\.com|camo\.githubusercontent\.com"
    r"|github\.com/(?:user-attachments|[\w.-]{1,100}/[\w.-]{1,100}/assets))/[^\s\"'<>()]{1,1000}"
)
IMAGE = re.compile(
    rf"!\[[^\[\]\n]{{0,300}}\]\({HOSTS}\)|<img\s[^<>]{{0,300}}src=[\"']{HOSTS}[\"'][^<>]{{0,300}}>",
    re.I,
)
"""Screenshots. A solver cannot see them, and the address of one may hold another address."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that was taken out of a text."""

    kind: str
    """``link``, ``number``, ``commit`` or ``branch`` for what leads to the fix; ``code`` or
    ``diff`` for what repeats it; ``comment`` or ``image`` for what nobody sees; ``tangled``."""
    text: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text, and what was taken out of it in the order it was found."""

    text: str
    removed: tuple[Removed, ...] = ()


def clean(text: str, traces: Traces) -> Cleaned:
    """Take out what gives a fix away, until nothing of it is left."""
    removed: list[Removed] = []
    for _ in range(MOST_PASSES):
        after = cleaned_once(text, traces)
        if after.text == text:
            return Cleaned(text, tuple(removed))
        removed += after.removed
        text = after.text
    return Cleaned("", (*removed, Removed("tangled", text)))


def cleaned_once(text: str, traces: Traces) -> Cleaned:
    """Take out pieces of code and comments, then what leads to the fix."""
    done = [cleaned_piece(piece, traces) for piece in pieces(text)]
    removed = [each for part in done for each in part.removed]
    rest = "".join(part.text for part in done)
    found = references(rest, traces)
    removed += [Removed(each.kind, rest[each.start : each.end]) for each in found]
    return Cleaned(remove_references(rest, found), tuple(removed))


def cleaned_piece(piece: MarkdownPiece, traces: Traces) -> Cleaned:
    """Take out of a piece what is not for a solver."""
    if piece.kind == "comment":
        return Cleaned("", (Removed("comment", piece.text),))
    if piece.kind == "fence":
        return cleaned_fence(piece, traces)
    kept, gone = split_repeats(piece.lines, traces)
    removed = [Removed("code", gone)] * bool(gone)

    def drop(kind: str, match: re.Match[str]) -> str:
        removed.append(Removed(kind, match[0]))
        return ""

    def inline(match: re.Match[str]) -> str:
        return drop("code", match) if normal(match[2]) in traces.code else match[0]

    text = IMAGE.sub(lambda match: drop("image", match), "".join(kept))
    text = INLINE.sub(inline, text)
    return Cleaned(text, tuple(removed))


def cleaned_fence(piece: MarkdownPiece, traces: Traces) -> Cleaned:
    """Take out of fenced code the lines that repeat the fix, or all of it when little is left."""
    inside = piece.inside
    suggestion = piece.info.startswith("suggestion")
    diff = piece.info.startswith(("diff", "patch")) or any(map(DIFF_LINE.match, inside))
    if diff or suggestion:
        lines = [line for line in inside if suggestion or line.startswith("+")]
        if any(repeats(lines, traces.code)):
            return Cleaned("", (Removed("diff", piece.text),))
        return Cleaned(piece.text)
    kept, gone = split_repeats(inside, traces)
    if not gone:
        return Cleaned(piece.text)
    if all(is_trivial(line) for line in kept):
        return Cleaned("", (Removed("code", piece.text),))
    end = piece.lines[-1] if piece.closed else ""
    return Cleaned("".join([piece.lines[0], *kept, end]), (Removed("code", gone),))


def split_repeats(lines: Sequence[str], traces: Traces) -> tuple[list[str], str]:
    """Return the lines that do not repeat the fix, and those that do as one text."""
    marked = list(zip(lines, repeats(lines, traces.code), strict=True))
    return [line for line, gone in marked if not gone], "".join(
        line for line, gone in marked if gone
    )


def remove_references(text: str, found: Sequence[Reference]) -> str:
    """Take references out, with the brackets that hold nothing else and a space too many."""
    parts: list[str] = []
    at = 0
    for each in found:
        start, end = max(each.start, at), max(each.end, at)
        if not each.instead:
            start, end = widen_range(text, start, end, at)
        parts += [text[at:start], each.instead]
        at = end
    return "".join([*parts, text[at:]])


def widen_range(text: str, start: int, end: int, lowest: int) -> tuple[int, int]:
    """Widen a range over the brackets around it, and over a space that is then one too many."""
    while start > lowest and end < len(text) and text[start - 1] + text[end] in PAIRS:
        start, end = start - 1, end + 1
    if text[end : end + 1] == " " and (start == 0 or text[start - 1] in " \n"):
        end += 1
    elif start > lowest and text[start - 1] == " " and text[end : end + 1] in AFTER_WORD:
        start -= 1
    return start, end

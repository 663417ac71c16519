"""Write statements of one version into the text of another: indented anew, nothing else touched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mirror.undo.alignment import Pairs
from syntax.blocks import Module, NormalToken, Statement
from syntax.splices import Splice
from syntax.text import split_lines


def text_of(module: Module, run: Sequence[Statement], indent: bytes) -> bytes:
    """Return the lines of neighbouring statements, with the comments right above, indented."""
    first, last = find_comments_above(module, run[0].first), run[-1].last
    return reindent_lines(module, first, last, run[0].indent, indent)


def find_comments_above(module: Module, first: int) -> int:
    """Return where the comments begin that stand right above a line."""
    line = module.text.line_at(first)
    while line > 0 and line - 1 in module.comments:
        line -= 1
    return module.text.starts[line]


def reindent_lines(module: Module, first: int, last: int, before: int, indent: bytes) -> bytes:
    """Return lines with another indentation; what lies within strings keeps its own."""
    start = module.text.line_at(first)
    inside = {n for begin, end in module.strings for n in range(begin, end + 1)}
    found = []
    for number, line in enumerate(split_lines(module.text.data[first:last]), start):
        if number in inside or not line.strip():
            found.append(line)
        else:
            lead = len(line) - len(line.lstrip(b" \t"))
            found.append(indent + line[min(before, lead) :])
    if found and not found[-1].endswith(b"\n"):
        found[-1] += b"\n"
    return b"".join(found)


def code_of(module: Module, statement: Statement, indent: bytes) -> bytes:
    """Return the code of one statement, its further lines indented as on ``indent``."""
    text = reindent_lines(module, statement.first, statement.last, statement.indent, indent)
    line = text[len(indent) :]
    tail = module.text.data[statement.end : statement.last]
    return line[: len(line) - len(tail)] if tail and line.endswith(tail) else line.rstrip(b"\n")


def indent_of(module: Module, statement: Statement) -> bytes:
    """Return what stands before a statement on its first line."""
    return module.text.data[statement.first : statement.start]


def merge_tokens(
    before: tuple[Module, Sequence[NormalToken]],
    fixed: Sequence[NormalToken],
    today: tuple[Module, Sequence[NormalToken]],
    changed: Pairs,
    kept: Pairs,
) -> list[Splice] | None:
    """Undo what changed between two runs of tokens in a third; None where they conflict.

    ``changed`` pairs the fixed tokens with those before the fix, ``kept`` with today's. What the
    fix changed must be there today as it made it, between the same two neighbours.
    """
    module, old = before
    now, tokens = today
    place = dict(kept)
    place[-1], place[len(fixed)] = -1, len(tokens)
    splices = []
    ends = [(-1, -1), *changed, (len(fixed), len(old))]
    for (i, k), (j, m) in pairwise(ends):
        if j == i + 1 and m == k + 1:
            continue
        span = [place.get(n) for n in range(i, j + 1)]
        if any(n is None for n in span):
            return None
        low, high = span[0], span[-1]
        assert low is not None and high is not None
        if high - low != j - i:
            return None
        start, end = _between(tokens, low, high)
        text = _text_between(module, old, k, m)
        if text:
            splices.append(Splice(start, end, _pad_insertion(text, j - i > 1, old, k, m, module)))
        else:
            splices.append(_removal(now.text.data, start, end))
    return splices


def _between(tokens: Sequence[NormalToken], low: int, high: int) -> tuple[int, int]:
    """Return the bytes of what lies between two tokens; right after the first if nothing does."""
    if high - low > 1:
        return tokens[low + 1].start, tokens[high - 1].end
    if low >= 0:
        return tokens[low].end, tokens[low].end
    return tokens[high].start, tokens[high].start


def _text_between(module: Module, tokens: Sequence[NormalToken], low: int, high: int) -> bytes:
    if high - low <= 1:
        return b""
    return module.text.data[tokens[low + 1].start : tokens[high - 1].end]


def _pad_insertion(
    text: bytes, replaces: bool, tokens: Sequence[NormalToken], low: int, high: int, module: Module
) -> bytes:
    """Add the space around what is inserted where nothing was."""
    if replaces or not text:
        return text
    data = module.text.data
    if low >= 0 and data[tokens[low].end : tokens[low + 1].start]:
        text = b" " + text
    elif low < 0 and high < len(tokens) and data[tokens[high - 1].end : tokens[high].start]:
        text = text + b" "
    return text


def _removal(data: bytes, start: int, end: int) -> Splice:
    """Remove bytes, and the space that is left over beside them."""
    if data[end : end + 1] in (b"\n", b")", b"]", b"}", b":", b",", b""):
        while data[start - 1 : start] == b" ":
            start -= 1
    elif data[start - 1 : start] in (b" ", b"(", b"[", b"{"):
        while data[end : end + 1] == b" ":
            end += 1
    return Splice(start, end, b"")

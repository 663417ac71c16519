"""The code tokens that a change takes away and brings, in runs of changed lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from syntax.features.lines import LeafToken, ParsedCode, TokenLine
from syntax.patches import count_common_prefix
from syntax.text import split_lines

MOST = 600
"""Tokens of a run up to which it is aligned token by token; a longer one is replaced whole."""


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Lines of code that follow one another and are changed together."""

    gone: tuple[LeafToken, ...]
    """Tokens that the change takes away."""
    came: tuple[LeafToken, ...]
    """Tokens that it brings."""
    lines_gone: int
    """Lines that lose a token, or are gone."""
    lines_came: int
    place: LeafToken | None
    """The first token, before the change, that is changed or stands where something is added."""


def runs(before: ParsedCode, changed: bytes) -> list[ChangedLines]:
    """Align two sides of a file: by lines, and within what differs by tokens.

    What both sides share at their ends is left out first, so that a small change of a large file
    costs little.
    """
    old, new = split_lines(before.data), split_lines(changed)
    head = count_common_prefix(old, new)
    tail = count_common_prefix(old[head:][::-1], new[head:][::-1])
    after = before.reparse_lines(changed, head, len(old) - tail, len(new) - tail)
    one = before.lines(head, len(old) - tail)
    other = after.lines(head, len(new) - tail)
    matcher = SequenceMatcher(None, [a.key for a in one], [b.key for b in other], autojunk=False)
    found = []
    for tag, low, high, new_low, new_high in matcher.get_opcodes():
        if tag == "equal":
            continue
        place = next(iter(one[low].tokens), None) if low < len(one) else None
        if place is None:
            place = next_token(before, len(old) - tail)
        found.append(make_run(one[low:high], other[new_low:new_high], place))
    return found


def next_token(code: ParsedCode, row: int) -> LeafToken | None:
    """Return the first token of code on a line or after it; None at the end of the file."""
    last = code.tree.root_node.end_point[0] + 1
    while row < last:
        found = code.lines(row, row + 1)
        if found:
            return found[0].tokens[0]
        row += 1
    return None


def make_run(
    gone: Sequence[TokenLine], came: Sequence[TokenLine], place: LeafToken | None
) -> ChangedLines:
    """Narrow changed lines to their changed tokens; those of another depth alone are whole."""
    old = [token for line in gone for token in line.tokens]
    new = [token for line in came for token in line.tokens]
    keep_old, keep_new = find_shared_tokens(old, new)
    lost = tuple(token for number, token in enumerate(old) if number not in keep_old)
    brought = tuple(token for number, token in enumerate(new) if number not in keep_new)
    if not lost and not brought:  # Nothing but the depth has changed.
        lost, brought = tuple(old), tuple(new)
    return ChangedLines(
        gone=lost,
        came=brought,
        lines_gone=len(gone),
        lines_came=len(came),
        place=lost[0] if lost else place,
    )


def find_shared_tokens(
    old: Sequence[LeafToken], new: Sequence[LeafToken]
) -> tuple[set[int], set[int]]:
    """Return the numbers of the tokens that two sides of a run share."""
    if not old or not new or len(old) + len(new) > MOST:
        return set(), set()
    texts = [token.text for token in old], [token.text for token in new]
    blocks = SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks()
    return (
        {block.a + step for block in blocks for step in range(block.size)},
        {block.b + step for block in blocks for step in range(block.size)},
    )

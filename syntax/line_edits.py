"""Several changes of one file at once: the lines that patches replace, and their common diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from storage.errors import PatchError
from syntax.hunks import find_block
from syntax.patch_sections import FilePatch
from syntax.patches import CONTEXT, decode, headers, hunk, marked_lines
from syntax.splices import Splice, merge
from syntax.text import Text, split_lines


def line_edits(part: FilePatch, text: Text) -> list[Splice]:
    """The whole lines that a patch replaces in a file, apart as far as the patch tells.

    Raises PatchError where the patch does not match the file.
    """
    found: list[Splice] = []
    lines, at = split_lines(text.data), 0
    for each in part.hunks:
        place = find_block(lines, each.old, each.old_first, at)
        if place is None:
            raise PatchError(f"the patch does not apply to {part.old} at line {each.old_first + 1}")
        at = place + len(each.old)
        opcodes = SequenceMatcher(None, each.old, each.new, autojunk=False).get_opcodes()
        for tag, low, high, new_low, new_high in opcodes:
            if tag != "equal":
                start, end = offset(text, place + low), offset(text, place + high)
                found.append(Splice(start, end, b"".join(each.new[new_low:new_high])))
    return found


def offset(text: Text, line: int) -> int:
    """Where a line starts; the end of the file for the line after its last."""
    return text.starts[line] if line < len(text.starts) else len(text.data)


def whole_lines(text: Text, splices: Iterable[Splice]) -> list[Splice]:
    """The same changes as whole lines, those of the same lines as one, in the order of the text."""
    groups: list[tuple[int, int, list[Splice]]] = []
    for splice in sorted(splices, key=lambda each: each.start):
        low, high = lines_of(text, splice)
        if groups and low < groups[-1][1]:
            first, last, group = groups.pop()
            groups.append((first, max(last, high), [*group, splice]))
        else:
            groups.append((low, high, [splice]))
    found = []
    for low, high, group in groups:
        one = merge(text.data, group)
        before, after = text.data[low : one.start], text.data[one.end : high]
        found.append(Splice(low, high, before + one.text + after))
    return found


def lines_of(text: Text, splice: Splice) -> tuple[int, int]:
    """Where the lines that a change touches begin and end."""
    low = text.starts[text.line_at(splice.start)]
    whole = splice.end > splice.start and text.data[splice.end - 1 : splice.end] == b"\n"
    if whole and (splice.text.endswith(b"\n") or (not splice.text and low == splice.start)):
        return low, splice.end
    return low, text.line_end(text.line_at(splice.end))


def edits_diff(path: str, text: Text, edits: Sequence[Splice]) -> str:
    """Return the patch of changes of whole lines that lie apart; empty for none."""
    if not edits:
        return ""
    ordered = sorted(edits, key=lambda edit: edit.start)
    hunks, shift = [], 0
    for group in group_edits(ordered, text):
        first, lines = alignment(group, text)
        hunks.append(hunk(first, first + shift, lines))
        shift += sum((mark == b"+") - (mark == b"-") for mark, _ in lines)
    return decode(headers(path) + b"".join(hunks))


def group_edits(ordered: Sequence[Splice], text: Text) -> Iterator[list[Splice]]:
    """Put changes together whose surroundings in a diff meet."""
    group: list[Splice] = []
    for edit in ordered:
        if group and lines_between(group[-1], edit, text) > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def lines_between(one: Splice, other: Splice, text: Text) -> int:
    """Count the lines that lie between two changes."""
    return line_of(text, other.start) - line_of(text, one.end)


def line_of(text: Text, place: int) -> int:
    """Number, from 0, of the line that starts at a place; past the last one for the end."""
    if place >= len(text.data):
        return len(split_lines(text.data))
    return text.line_at(place)


def alignment(group: Sequence[Splice], text: Text) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The first line of a hunk and its marked lines."""
    first = max(line_of(text, group[0].start) - CONTEXT, 0)
    lines: list[tuple[bytes, bytes]] = []
    at = first
    for edit in group:
        start, end = line_of(text, edit.start), line_of(text, edit.end)
        lines += [(b" ", line) for line in text.lines(at, start)]
        before, after = text.lines(start, end), split_lines(edit.text)
        opcodes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        lines += marked_lines(before, after, opcodes)
        at = end
    return first, lines + [(b" ", line) for line in text.lines(at, at + CONTEXT)]

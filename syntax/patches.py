"""Unified diffs as git writes and takes them, made from bytes and applied to bytes.

Patches are text: bytes decoded as UTF-8 with surrogateescape, so that any file survives.
The format is that of https://git-scm.com/docs/diff-format#generate_patch_text_with_p.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from storage.errors import PatchError
from syntax.binary_patches import hash_blob, is_binary, make_change
from syntax.hunks import Hunk, write_hunk
from syntax.patch_sections import FilePatch, write_extended, write_names, write_part, write_title
from syntax.text import Text, split_lines

CONTEXT = 3
ALIGNED_LIMIT = 400
"""Blocks of more lines than this are replaced whole instead of being aligned line by line."""


def decode(data: bytes) -> str:
    """Turn patch bytes into text, losing nothing."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Turn patch text back into bytes. Raises PatchError for what no bytes decode to."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        found = f"U+{ord(text[error.start]):04X}"
        raise PatchError(f"the patch holds half a character ({found}), which is no text") from error


# Thousands of mutations are of one file.
@lru_cache(maxsize=256)
def headers(path: str, *, old: bool = True, new: bool = True, mode: str = "100644") -> bytes:
    """The lines before the first hunk; ``old`` and ``new`` say on which side the file exists."""
    part = FilePatch(old=path if old else None, new=path if new else None)
    part.old_mode, part.new_mode = (mode if old and not new else ""), (mode if not old else "")
    return b"".join([*write_title(part), *write_extended(part), *write_names(part)])


def unified_diff(
    path: str,
    old: bytes | None,
    new: bytes | None,
    *,
    mode: str = "100644",
    old_mode: str | None = None,
) -> str:
    """Return the patch that turns a file's ``old`` bytes into ``new``; empty when they are equal.

    None stands for a file that does not exist on that side; ``mode`` is its mode on the other.
    ``old_mode`` is given where the mode changes: where the kind of file does, it is deleted first.
    """
    before = mode if old_mode is None else old_mode
    is_changed = old is not None and new is not None and before != mode
    if old == new and not is_changed:
        return ""
    if is_changed and before[:3] != mode[:3]:
        deleted = unified_diff(path, old, None, mode=before)
        return deleted + unified_diff(path, None, new, mode=mode)
    part = FilePatch(old=path if old is not None else None, new=path if new is not None else None)
    part.old_mode = before if old is not None else ""
    part.new_mode = mode if old is None or is_changed else ""
    if is_binary(old or b"") or is_binary(new or b""):
        part.binary = make_change(old or b"", new or b"")
    else:
        part.hunks = diff_hunks(old or b"", new or b"")
    if not part.hunks and (old is None or new is None or part.binary):
        # In full where git checks them; else as short as git shows them.
        size = 40 if part.binary else 7
        part.old_blob, part.new_blob = name_blob(old)[:size], name_blob(new)[:size]
    return decode(write_part(part))


def name_blob(content: bytes | None) -> str:
    """Return the name git gives to a content, or to none."""
    return "0" * 40 if content is None else hash_blob(content, "")


def diff_hunks(old: bytes, new: bytes) -> list[Hunk]:
    """Return the hunks that turn one text into another."""
    before, after = split_lines(old), split_lines(new)
    groups = SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT)
    return [
        make_hunk(group[0][1], group[0][3], marked_lines(before, after, group)) for group in groups
    ]


def marked_lines(
    before: Sequence[bytes],
    after: Sequence[bytes],
    opcodes: Sequence[tuple[str, int, int, int, int]],
) -> list[tuple[bytes, bytes]]:
    """Pair each line of an alignment with its mark: kept, removed or added."""
    found: list[tuple[bytes, bytes]] = []
    for tag, low, high, new_low, new_high in opcodes:
        if tag == "equal":
            found += [(b" ", line) for line in before[low:high]]
            continue
        found += [(b"-", line) for line in before[low:high]]
        found += [(b"+", line) for line in after[new_low:new_high]]
    return found


def hunk(old_first: int, new_first: int, lines: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Write one hunk; first lines are counted from 0."""
    return write_hunk(make_hunk(old_first, new_first, lines))


def make_hunk(old_first: int, new_first: int, lines: Sequence[tuple[bytes, bytes]]) -> Hunk:
    """Return one hunk; first lines are counted from 0, an empty side starts at the line before."""
    has_old = any(mark != b"+" for mark, _ in lines)
    has_new = any(mark != b"-" for mark, _ in lines)
    return Hunk(old_first + has_old, new_first + has_new, lines)


def splice_diff(path: str, text: Text, start: int, end: int, replacement: bytes) -> str:
    """Return the patch for one splice, computed from the lines around it alone.

    Has the same effect as ``unified_diff`` of the whole file, at a cost that does not grow with
    the file.
    """
    first, last = text.line_at(start), text.line_at(end)
    low, high = text.starts[first], text.line_end(last)
    data = text.data
    before = split_lines(data[low:high])
    after = split_lines(data[low:start] + replacement + data[end:high])
    head = count_common_prefix(before, after)
    tail = count_common_prefix(before[head:][::-1], after[head:][::-1])
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    if not before and not after:
        return ""
    top = first + head
    above = text.lines(top - CONTEXT, top)
    below = text.lines(top + len(before), top + len(before) + CONTEXT)
    lines = [(b" ", line) for line in above]
    lines += align_lines(before, after)
    lines += [(b" ", line) for line in below]
    old_first = top - len(above)
    return decode(headers(path) + b"".join(hunks(old_first, lines)))


def hunks(first: int, lines: Sequence[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Write marked lines as hunks, without the middle of long stretches that are kept."""
    changed = [number for number, (mark, _) in enumerate(lines) if mark != b" "]
    start, old_first, new_first = 0, first, first
    for one, other in pairwise(changed):
        if other - one > 2 * CONTEXT + 1:
            yield hunk(old_first, new_first, lines[start : one + 1 + CONTEXT])
            gone = lines[start : other - CONTEXT]
            old_first += sum(mark != b"+" for mark, _ in gone)
            new_first += sum(mark != b"-" for mark, _ in gone)
            start = other - CONTEXT
    yield hunk(old_first, new_first, lines[start:])


def count_common_prefix(left: Sequence[bytes], right: Sequence[bytes]) -> int:
    """Count the equal items at the beginning of two sequences."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def align_lines(before: Sequence[bytes], after: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Mark the lines of two short blocks, keeping what they share."""
    if len(before) > 1 and len(after) > 1 and len(before) + len(after) <= ALIGNED_LIMIT:
        opcodes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        return marked_lines(before, after, opcodes)
    return [(b"-", line) for line in before] + [(b"+", line) for line in after]

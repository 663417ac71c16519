"""Names of files on the header lines of patches: quoted, with prefixes or without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from storage.quoted_paths import QUOTED, unquote_path

LONGEST_LINE = 1 << 14
"""Bytes of a header line: two paths as long as a system takes them, quoted."""
STAMP = re.compile(
    rb"(?<![\t ])[\t ]+(?:\d\d)?\d\d-\d\d-\d\d \d{1,2}:\d\d:\d\d(?:\.\d+)?(?: [-+]\d\d:?\d\d)?$"
)


def read_title(line: bytes, strip: int) -> bytes | None:
    """Return the name on a ``diff --git`` line if both are the same; None where they differ."""
    if len(line) > LONGEST_LINE:
        return None
    for first, second in split_names(line[11:].removesuffix(b"\n"), strip):
        left, right = cut_name(first, strip), cut_name(second, strip)
        if left is not None and left == right:
            return squash_name(left)
    return None


def split_names(rest: bytes, strip: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the ways to read two names, of which either may be quoted."""
    if rest.startswith(b'"'):
        if match := QUOTED.match(rest):
            yield unquote_path(match[0]), unquote_path(rest[match.end() :].lstrip())
        return
    quote = rest.find(b'"')
    if quote > 0:
        # A first name without quotes holds none: this one begins the second.
        yield rest[: quote - 1], unquote_path(rest[quote:])
        return
    prefix = rest.find(b"/") if strip else -1
    for gap in (match.start() for match in re.finditer(rb"[ \t]", rest)):
        # Looked at before it is cut: a line of many spaces takes no longer than one of few.
        slash = len(rest) - gap + prefix
        if slash == gap if not strip else rest.find(b"/", gap, slash + 1) == slash:
            yield rest[:gap], rest[gap + 1 :]


def find_name(rest: bytes, strip: int, *, ends: bytes) -> bytes | None:
    """Return the name that a line's rest begins with; None where it has too few folders."""
    if match := QUOTED.match(rest):
        return strip_name(unquote_path(match[0]), strip)
    return strip_name(re.split(b"[\n%s]" % ends, rest, maxsplit=1)[0], strip)


def strip_name(name: bytes, strip: int) -> bytes | None:
    """Take the first folders of a name; None where it has too few, or nothing is left."""
    cut = cut_name(name, strip)
    return None if cut is None else squash_name(cut)


def cut_name(name: bytes, strip: int) -> bytes | None:
    """Take the first folders of a name, the rest as it is."""
    parts = name.split(b"/", strip)
    if len(parts) <= strip or (strip and not parts[0]):
        return None
    return parts[-1] or None


def squash_name(name: bytes) -> bytes:
    """Make one slash of several, as git does."""
    return re.sub(rb"/+", b"/", name)


def detect_strip(lines: Sequence[bytes]) -> int:
    """Say how many folders stand before a patch's names: one, or none with ``--no-prefix``.

    With git's prefixes both names of a file differ: ``a/`` and ``b/``, ``i/`` and ``w/``.
    """
    title = b""
    for line in lines:
        if line.startswith((b"rename from ", b"copy from ")) and title:
            return 0 if is_title_of(title, line.split(b" ", 2)[2].rstrip(b"\n")) else 1
        if line.startswith(b"diff --git "):
            if title:
                return 1
            if read_title(line, 0):
                return 0
            title = line if read_title(line, 1) else b""
    if title:
        return 1
    found = [detect_in_pair(*pair) for pair in pairwise(lines) if has_names(pair)]
    return 0 if True in found and False not in found else 1


def has_names(pair: tuple[bytes, bytes]) -> bool:
    """Say whether two lines stand before the hunks of a plain diff."""
    return pair[0].startswith(b"--- ") and pair[1].startswith(b"+++ ")


def is_title_of(title: bytes, name: bytes) -> bool:
    """Say whether a ``diff --git`` line begins with a name without a prefix."""
    return title.startswith(b"diff --git " + name + b" ")


def detect_in_pair(first: bytes, second: bytes) -> bool | None:
    """Say whether the names of ``---`` and ``+++`` are bare; None where they do not say."""
    if is_null(first) and is_null(second):
        return None
    names = [read_plain_name(line, 0) or b"" for line in (first, second) if not is_null(line)]
    if any(re.match(rb"[ab]/", name) for name in names):
        return False
    return True if len(names) == 1 or names[0] == names[1] else None


def read_plain_name(line: bytes, strip: int) -> bytes | None:
    """Return the name on a ``---`` or ``+++`` line, a date behind it dropped."""
    if len(line) > LONGEST_LINE:
        return None
    return find_name(STAMP.sub(b"", line[4:].rstrip(b"\n")), strip, ends=b"\t\r\v\f")


def is_null(line: bytes) -> bool:
    """Say whether a ``---`` or ``+++`` line stands for no file."""
    return bool(re.match(rb"/dev/null\s", line[4:]))

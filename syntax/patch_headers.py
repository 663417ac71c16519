"""What stands before a file's hunks: git's extended headers, or the two lines of plain diffs.

Read as ``apply.c`` of git reads them; https://git-scm.com/docs/diff-format describes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from storage.errors import PatchError
from storage.quoted_paths import QUOTED, unquote_path

LONGEST_LINE = 1 << 14
"""Bytes of a header line: two paths as long as a system takes them, quoted."""
MODES = re.compile(rb"(100[0-7]{3}|120000|160000)\s")
BLOBS = re.compile(rb"([0-9a-f]{1,64})\.\.([0-9a-f]{1,64})(?: (\d+))?\s")
STAMP = re.compile(
    rb"(?<![\t ])[\t ]+(?:\d\d)?\d\d-\d\d-\d\d \d{1,2}:\d\d:\d\d(?:\.\d+)?(?: [-+]\d\d:?\d\d)?$"
)
EPOCH = re.compile(rb"\t(1969-12-31|1970-01-01) (\d\d):(\d\d):00(?:\.0+)? ([-+])(\d\d):?(\d\d)\n?$")
NULL = b"/dev/null"


@dataclass(slots=True)
class PatchHeader:
    """The header of one section, as far as it says. Names are without their prefixes."""

    title: bytes | None = None
    """The name on the line ``diff --git``, where both names there are the same."""
    old: bytes | None = None
    new: bytes | None = None
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""
    is_new: bool | None = False
    """None where it cannot be said without the file: plain diffs."""
    is_deleted: bool | None = False
    move: str = ""
    """``rename`` or ``copy``."""
    similarity: bytes = b""
    """The line that says how alike both sides are."""


def read_git_header(lines: list[bytes], at: int, strip: int) -> tuple[PatchHeader, int]:
    """Read the header that line ``at`` starts, and the line after it. Raises PatchError."""
    header = PatchHeader(title=read_title(lines[at], strip))
    start, at = at, at + 1
    while at < len(lines) and lines[at].endswith(b"\n"):
        handler = next((h for prefix, h in HANDLERS if lines[at].startswith(prefix)), None)
        if handler is None:
            break
        check_length(lines[at], at)
        handler(header, lines[at], strip)
        kinds = [header.is_new, header.is_deleted, header.move]
        if sum(map(bool, kinds)) > 1:
            raise PatchError(f"the patch is malformed at its line {at + 1}: inconsistent headers")
        at += 1
    if at > start + 1:
        complete_names(header, start)
    return header, at


def complete_names(header: PatchHeader, at: int) -> None:
    """Fill in names that the first line alone says. Raises PatchError where there are none."""
    if header.old is None and header.new is None:
        header.old = header.new = header.title
    is_lacking = (header.new is None and not header.is_deleted) or (
        header.old is None and not header.is_new
    )
    if is_lacking:
        raise PatchError(f"the patch is malformed at its line {at + 1}: it names no file")
    if header.is_new:
        header.old = None
    if header.is_deleted:
        header.new = None


def check_length(line: bytes, at: int) -> None:
    """Refuse a line that holds no name. Raises PatchError."""
    if len(line) > LONGEST_LINE:
        raise PatchError(f"the patch is malformed at its line {at + 1}: a name too long for a path")


def on_name(header: PatchHeader, line: bytes, strip: int) -> None:
    """Take the name on a ``---`` or ``+++`` line, which has to be the one known before."""
    is_old = line.startswith(b"---")
    known = header.old if is_old else header.new
    is_null = bool(header.is_new if is_old else header.is_deleted)
    if known is None and is_null:
        if not re.match(rb"/dev/null\s", line[4:]):
            raise PatchError(f"the patch is malformed: a name where /dev/null is due: {show(line)}")
        return
    name = find_name(line[4:], strip, ends=b"\t\r\v\f")
    if known is not None and (is_null or name != known):
        raise PatchError(f"the patch is malformed: it names two files in one: {show(line)}")
    if is_old:
        header.old = name
    else:
        header.new = name


def on_mode(header: PatchHeader, line: bytes, strip: int) -> None:
    """Take one of the lines that say a mode."""
    match = MODES.match(line[line.index(b"mode ") + 5 :])
    if match is None:
        raise PatchError(f"the patch is malformed: a mode that git has not: {show(line)}")
    mode = canonical_mode(match[1])
    if line.startswith(b"new file"):
        header.is_new, header.new = True, header.title
    if line.startswith(b"deleted"):
        header.is_deleted, header.old = True, header.title
    if line.startswith(b"new"):
        header.new_mode = mode
    else:
        header.old_mode = mode


def canonical_mode(mode: bytes) -> str:
    """Return a mode as git keeps it: of permissions it knows one."""
    if not mode.startswith(b"100"):
        return mode.decode()
    return "100755" if int(mode[3:4], 8) & 1 else "100644"


def on_move(header: PatchHeader, line: bytes, strip: int) -> None:
    """Take one name of a rename or copy; it has no prefix of its own."""
    kind, side, rest = line.split(b" ", 2)
    header.move = kind.decode()
    name = find_name(rest, max(strip - 1, 0), ends=b"\r\v\f")
    if side in (b"from", b"old"):
        header.old = name
    else:
        header.new = name


def on_similarity(header: PatchHeader, line: bytes, strip: int) -> None:
    """Keep the line, which means nothing for what is applied."""
    header.similarity = line


def on_index(header: PatchHeader, line: bytes, strip: int) -> None:
    """Take the names of both contents, and the mode that stays."""
    match = BLOBS.match(line[6:])
    if match is None:
        return
    header.old_blob, header.new_blob = match[1].decode(), match[2].decode()
    if match[3]:
        on_mode(header, b"old mode " + match[3] + b"\n", strip)


HANDLERS: tuple[tuple[bytes, Callable[[PatchHeader, bytes, int], None]], ...] = (
    (b"--- ", on_name),
    (b"+++ ", on_name),
    (b"old mode ", on_mode),
    (b"new mode ", on_mode),
    (b"deleted file mode ", on_mode),
    (b"new file mode ", on_mode),
    *(
        (b"%s %s " % (kind, side), on_move)
        for kind, sides in (
            (b"copy", (b"from", b"to")),
            (b"rename", (b"old", b"new", b"from", b"to")),
        )
        for side in sides
    ),
    (b"similarity index ", on_similarity),
    (b"dissimilarity index ", on_similarity),
    (b"index ", on_index),
)


def read_plain_header(first: bytes, second: bytes, strip: int) -> PatchHeader:
    """Read the two lines before the hunks of a diff that is not git's. Raises PatchError."""
    old, new = (None if is_null(line) else plain_name(line, strip) for line in (first, second))
    if is_null(first):
        header = PatchHeader(new=new, is_new=True)
    elif is_null(second):
        header = PatchHeader(old=old, is_deleted=True)
    else:
        # The shorter name counts: the other may be ``file.orig`` or the like.
        name = old if old and new and new.startswith(old) else new
        header = PatchHeader(old=name, new=name, is_new=None, is_deleted=None)
        if has_epoch(first):
            header = PatchHeader(new=name, is_new=True)
        elif has_epoch(second):
            header = PatchHeader(old=name, is_deleted=True)
    if header.old is None and header.new is None:
        raise PatchError(f"the patch is malformed: no name of a file: {show(second)}")
    return header


def plain_name(line: bytes, strip: int) -> bytes | None:
    """Return the name on a ``---`` or ``+++`` line, a date behind it dropped."""
    if len(line) > LONGEST_LINE:
        return None
    return find_name(STAMP.sub(b"", line[4:].rstrip(b"\n")), strip, ends=b"\t\r\v\f")


def is_null(line: bytes) -> bool:
    """Say whether a ``---`` or ``+++`` line stands for no file."""
    return bool(re.match(rb"/dev/null\s", line[4:]))


def has_epoch(line: bytes) -> bool:
    """Say whether a line has the time by which GNU diff marks a file that is not there."""
    match = EPOCH.search(line)
    if match is None:
        return False
    day, hour, minute, sign, zone_hour, zone_minute = match.groups()
    zone = int(zone_hour) * 60 + int(zone_minute)
    local = int(hour) * 60 + int(minute) - (zone if sign == b"+" else -zone)
    return local == (24 * 60 if day.startswith(b"1969") else 0)


def read_title(line: bytes, strip: int) -> bytes | None:
    """Return the name on a ``diff --git`` line if both are the same; None where they differ."""
    if len(line) > LONGEST_LINE:
        return None
    for first, second in split_names(line[11:].removesuffix(b"\n")):
        left, right = cut_name(first, strip), cut_name(second, strip)
        if left is not None and left == right:
            return squash_name(left)
    return None


def split_names(rest: bytes) -> Iterator[tuple[bytes, bytes]]:
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
    for gap in re.finditer(rb"[ \t]", rest):
        yield rest[: gap.start()], rest[gap.end() :]


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
    names = [plain_name(line, 0) or b"" for line in (first, second) if not is_null(line)]
    if any(re.match(rb"[ab]/", name) for name in names):
        return False
    return True if len(names) == 1 or names[0] == names[1] else None


def show(line: bytes) -> str:
    """Return a line as it can be shown in a message."""
    return repr(line[:100].decode("utf-8", "replace").strip())

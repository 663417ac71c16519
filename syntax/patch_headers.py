"""What stands before a file's hunks: git's extended headers, or the two lines of plain diffs.

Read as ``apply.c`` of git reads them; https://git-scm.com/docs/diff-format describes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from storage.errors import PatchError
from syntax.patch_names import LONGEST_LINE, find_name, is_null, read_plain_name, read_title

MODES = re.compile(rb"(100[0-7]{3}|120000|160000)\s")
BLOBS = re.compile(rb"([0-9a-f]{1,64})\.\.([0-9a-f]{1,64})(?: (\d+))?\s")
EPOCH = re.compile(rb"\t(1969-12-31|1970-01-01) (\d\d):(\d\d):00(?:\.0+)? ([-+])(\d\d):?(\d\d)\n?$")


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
    if header.old and header.new and header.old != header.new and not header.move:
        # Two names without a word of a rename: git takes the first one away all the same.
        header.move = "rename"
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
    old, new = (None if is_null(line) else read_plain_name(line, strip) for line in (first, second))
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


def has_epoch(line: bytes) -> bool:
    """Say whether a line has the time by which GNU diff marks a file that is not there."""
    match = EPOCH.search(line)
    if match is None:
        return False
    day, hour, minute, sign, zone_hour, zone_minute = match.groups()
    zone = int(zone_hour) * 60 + int(zone_minute)
    local = int(hour) * 60 + int(minute) - (zone if sign == b"+" else -zone)
    return local == (24 * 60 if day.startswith(b"1969") else 0)


def show(line: bytes) -> str:
    """Return a line as it can be shown in a message."""
    return repr(line[:100].decode("utf-8", "replace").strip())

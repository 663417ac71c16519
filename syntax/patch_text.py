"""Read patches and apply them to bytes, exactly; what is unsafe or does not fit is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from storage.errors import PatchError
from syntax.patches import decode, encode
from syntax.text import split_lines

RANGE = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
NAMED = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
    b'"': b'"',
    b"\\": b"\\",
}


@dataclass(slots=True)
class Hunk:
    """One hunk: where it starts on both sides (from 0), and the lines of both."""

    old_first: int
    new_first: int
    old: list[bytes] = field(default_factory=list)
    new: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class FilePatch:
    """What a patch does to one file. A path is None on the side where the file is not."""

    old: str | None = None
    new: str | None = None
    hunks: list[Hunk] = field(default_factory=list)


def apply_patch(
    patch: str, read: Callable[[str], bytes | None], *, reverse: bool = False
) -> dict[str, bytes | None]:
    """Return the files that a patch leaves changed: path to content, None where deleted.

    Raises PatchError when the patch is malformed, unsafe, or does not match what ``read`` gives.
    """
    changed: dict[str, bytes | None] = {}
    for part in parse(patch):
        source, target = (part.new, part.old) if reverse else (part.old, part.new)
        before = b"" if source is None else changed.get(source, read(source))
        if before is None:
            raise PatchError(f"the patch changes {source}, which does not exist")
        if source is None and target is not None and changed.get(target, read(target)) is not None:
            raise PatchError(f"the patch creates {target}, which exists already")
        after = apply_hunks(before, part.hunks, reverse=reverse, path=str(source or target))
        if source is not None and source != target:
            changed[source] = None
        if target is not None:
            changed[target] = after
        elif after:
            raise PatchError(f"the patch deletes {source}, but not all of its lines")
    return changed


def apply_hunks(before: bytes, hunks: list[Hunk], *, reverse: bool, path: str) -> bytes:
    """Apply hunks to one file; each may lie off its place by lines, but must match exactly."""
    lines, result, at = split_lines(before), [], 0
    for hunk in hunks:
        old, new = (hunk.new, hunk.old) if reverse else (hunk.old, hunk.new)
        wanted = hunk.new_first if reverse else hunk.old_first
        place = find_block(lines, old, wanted, at)
        if place is None:
            raise PatchError(f"the patch does not apply to {path} at line {wanted + 1}")
        result += lines[at:place] + new
        at = place + len(old)
    return b"".join(result + lines[at:])


def find_block(lines: list[bytes], block: list[bytes], wanted: int, lowest: int) -> int | None:
    """Find where a block lies, nearest to where it is said to be."""
    top = len(lines) - len(block)
    for place in sorted(range(lowest, top + 1), key=lambda p: abs(p - wanted)):
        if lines[place : place + len(block)] == block:
            return place
    return None


def touched_paths(patch: str) -> tuple[str, ...]:
    """Return every path that a patch names, sorted. Raises PatchError."""
    return tuple(sorted({p for part in parse(patch) for p in (part.old, part.new) if p}))


def parse(patch: str) -> list[FilePatch]:
    """Read a patch. Raises PatchError when it is malformed, unsafe, binary or empty."""
    lines = split_lines(encode(patch))
    found: list[FilePatch] = []
    current: FilePatch | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(b"diff --git "):
            current = FilePatch()
            found.append(current)
        elif line.startswith((b"GIT binary patch", b"Binary files ")):
            raise PatchError("the patch holds binary changes, which are not taken")
        elif line.startswith(b"rename from ") and current is not None:
            current.old = check_path(unquote(line[12:]))
        elif line.startswith(b"rename to ") and current is not None:
            current.new = check_path(unquote(line[10:]))
        elif line.startswith(b"--- "):
            if current is None or current.hunks:
                current = FilePatch()
                found.append(current)
            current.old = side(line, b"a/")
        elif line.startswith(b"+++ ") and current is not None:
            current.new = side(line, b"b/")
        elif line.startswith(b"@@ "):
            if current is None or (current.old is None and current.new is None):
                raise PatchError("the patch is malformed: a hunk before the file's name")
            hunk, at = read_hunk(lines, at - 1)
            current.hunks.append(hunk)
    found = [part for part in found if part.old is not None or part.new is not None]
    if not found and patch.strip():
        raise PatchError("the patch is malformed: it names no file")
    return found


def side(line: bytes, prefix: bytes) -> str | None:
    """The path on a ``---`` or ``+++`` line; None for /dev/null."""
    name = unquote(line[4:])
    if name == b"/dev/null":
        return None
    return check_path(name[2:] if name.startswith(prefix) else name)


def unquote(name: bytes) -> bytes:
    """Undo git's quoting of a path, and drop what follows a tab."""
    name = name.rstrip(b"\r\n")
    if not name.startswith(b'"'):
        return name.split(b"\t")[0]
    body = name[1 : name.rindex(b'"')]
    return ESCAPE.sub(lambda m: NAMED.get(m[1]) or bytes([int(m[1], 8) & 255]), body)


def check_path(raw: bytes) -> str:
    """Return a path that stays inside the tree. Raises PatchError for any other."""
    path = decode(raw)
    parts = path.split("/")
    if not path or path.startswith("/") or "\0" in path or {"..", ".git", "", "."} & set(parts):
        raise PatchError(f"the patch touches {path!r}, which is outside what it may change")
    return path


def read_hunk(lines: list[bytes], at: int) -> tuple[Hunk, int]:
    """Read the hunk whose header is line ``at``; return it and the number of the line after it.

    Raises PatchError when its lines do not fit its header.
    """
    match = RANGE.match(lines[at])
    if match is None:
        raise PatchError("the patch is malformed: a hunk header that cannot be read")
    old_left = 1 if match[2] is None else int(match[2])
    new_left = 1 if match[4] is None else int(match[4])
    hunk = Hunk(
        old_first=int(match[1]) - (1 if old_left else 0),
        new_first=int(match[3]) - (1 if new_left else 0),
    )
    at += 1
    while old_left or new_left:
        line = lines[at] if at < len(lines) else b""
        mark = line[:1]
        if mark not in (b" ", b"-", b"+", b"\n"):
            raise PatchError("the patch is malformed: a hunk shorter than its header says")
        body = b"\n" if mark == b"\n" else line[1:]
        sides = [hunk.old] * (mark != b"+") + [hunk.new] * (mark != b"-")
        old_left -= mark != b"+"
        new_left -= mark != b"-"
        at += 1
        for side_lines in sides:
            side_lines.append(body)
        if at < len(lines) and lines[at].startswith(b"\\"):
            for side_lines in sides:
                side_lines[-1] = side_lines[-1].removesuffix(b"\n")
            at += 1
    if old_left < 0 or new_left < 0:
        raise PatchError("the patch is malformed: a hunk longer than its header says")
    return hunk, at

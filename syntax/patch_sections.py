"""What a patch does to one file, as a record: read from text, turned round, and written again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from storage.errors import PatchError
from storage.quoted_paths import quote_path
from syntax.binary_patches import BinaryChange, read_change, write_change
from syntax.hunks import Hunk, read_hunk, reverse_hunk, write_hunk
from syntax.patch_headers import PatchHeader

UNKNOWN_BLOB = "0000000"


@dataclass(slots=True)
class FilePatch:
    """What a patch does to one file. A path is None on the side where the file is not."""

    old: str | None = None
    new: str | None = None
    hunks: list[Hunk] = field(default_factory=list)
    old_mode: str = ""
    new_mode: str = ""
    """Empty where the patch does not say, or the mode stays."""
    move: str = ""
    """``rename`` or ``copy`` where the content comes from another file."""
    binary: BinaryChange | None = None
    is_dataless: bool = False
    """A binary change of which the patch says no more than that there is one."""
    may_create: bool = False
    """A plain diff, which makes the file where it is not there."""
    old_blob: str = ""
    new_blob: str = ""
    similarity: bytes = b""
    raw: bytes = b""
    """The section as it was read."""

    @property
    def path(self) -> str:
        """The path that names it: after the change, before it for what is deleted."""
        return self.new or self.old or ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path it names."""
        return tuple({path: None for path in (self.old, self.new) if path})


def read_body(part: FilePatch, header: PatchHeader, lines: list[bytes], at: int) -> int:
    """Read what follows a header, and return the line after it. Raises PatchError."""
    while at < len(lines) and lines[at].startswith(b"@@ -"):
        hunk, at = read_hunk(lines, at)
        part.hunks.append(hunk)
    if not part.hunks and at < len(lines):
        at = read_binary_body(part, lines, at)
    if header.is_new is None:
        single = len(part.hunks) == 1
        part.may_create = single and not part.hunks[0].old
    check_sides(part, at)
    return at


def read_binary_body(part: FilePatch, lines: list[bytes], at: int) -> int:
    """Read a binary change if there is one, and return the line after it. Raises PatchError."""
    line = lines[at]
    if line == b"GIT binary patch\n":
        part.binary, at = read_change(lines, at + 1)
    elif line.startswith((b"Binary files ", b"Files ")) and line.endswith(b" differ\n"):
        part.is_dataless = True
        return at + 1
    return at


def check_sides(part: FilePatch, at: int) -> None:
    """Refuse what contradicts itself, and what changes nothing. Raises PatchError."""
    if part.old is None and any(hunk.old for hunk in part.hunks):
        raise PatchError(f"the patch is malformed: {part.new} is new, but has lines already")
    if part.new is None and any(hunk.new for hunk in part.hunks):
        raise PatchError(f"the patch deletes {part.old}, but not all of its lines")
    kinds = {mode[:3] for mode in (part.old_mode, part.new_mode) if mode}
    if part.old and part.new and len(kinds) > 1:
        raise PatchError(f"the patch makes another kind of file of {part.new} without deleting it")
    is_change = part.hunks or part.binary or part.is_dataless or part.move
    is_mode = part.new_mode and part.old_mode != part.new_mode
    if not is_change and part.old and part.new and not is_mode:
        raise PatchError(f"the patch is malformed at its line {at + 1}: no change to {part.new}")


def reverse_part(part: FilePatch) -> FilePatch:
    """Return the section that undoes one. Raises PatchError where it does not hold what it takes.

    A copy is undone by deleting it: what it deletes is known from the file that was copied.
    """
    binary = part.binary
    if binary is not None:
        if binary.backward is None:
            raise PatchError(f"the patch holds no way back for {part.path}, which is binary")
        binary = BinaryChange(binary.backward, binary.forward)
    swapped = replace(
        part,
        old=part.new,
        new=part.old,
        hunks=[reverse_hunk(hunk) for hunk in part.hunks],
        binary=binary,
        old_blob=part.new_blob,
        new_blob=part.old_blob,
        raw=b"",
    )
    if part.new_mode:
        swapped.old_mode, swapped.new_mode = part.new_mode, part.old_mode
    elif part.new is None:
        swapped.old_mode, swapped.new_mode = "", part.old_mode
    return swapped


def write_part(part: FilePatch) -> bytes:
    """Write a section as git writes it."""
    lines = [*write_title(part), *write_extended(part)]
    if part.hunks:
        lines += write_names(part)
        lines += [write_hunk(hunk) for hunk in part.hunks]
    elif part.binary:
        lines.append(write_change(part.binary))
    elif part.is_dataless:
        old, new = ([*write_names(part)][at][4:].rstrip(b"\t\n") for at in (0, 1))
        lines.append(b"Binary files %s and %s differ\n" % (old, new))
    return b"".join(lines)


def write_title(part: FilePatch) -> list[bytes]:
    """Write the line that starts a section."""
    old, new = (encode_path(path) for path in (part.old or part.new, part.new or part.old))
    return [b"diff --git %s %s\n" % (quote_path(b"a/" + old), quote_path(b"b/" + new))]


def write_extended(part: FilePatch) -> list[bytes]:
    """Write the header lines between the first and the names."""
    lines = []
    old_mode, new_mode = part.old_mode.encode(), part.new_mode.encode()
    if part.old is None:
        lines.append(b"new file mode %s\n" % (new_mode or b"100644"))
    elif part.new is None:
        lines.append(b"deleted file mode %s\n" % (old_mode or b"100644"))
    elif new_mode and old_mode and new_mode != old_mode:
        lines += [b"old mode %s\n" % old_mode, b"new mode %s\n" % new_mode]
    if part.similarity:
        lines.append(part.similarity)
    if part.move and part.old and part.new:
        kind = part.move.encode()
        lines.append(b"%s from %s\n" % (kind, quote_path(encode_path(part.old))))
        lines.append(b"%s to %s\n" % (kind, quote_path(encode_path(part.new))))
    return [*lines, *write_index(part)]


def write_index(part: FilePatch) -> list[bytes]:
    """Write the line that names both contents, where they are known or nothing else follows."""
    old, new = part.old_blob, part.new_blob
    if not old and not new:
        return []
    stays = part.old and part.new and part.old_mode and part.new_mode in ("", part.old_mode)
    mode = f" {part.old_mode}" if stays else ""
    return [f"index {old or UNKNOWN_BLOB}..{new or UNKNOWN_BLOB}{mode}\n".encode()]


def write_names(part: FilePatch) -> list[bytes]:
    """Write the two lines before the hunks."""
    return [
        b"--- %s\n" % write_name(b"a/", part.old),
        b"+++ %s\n" % write_name(b"b/", part.new),
    ]


def write_name(prefix: bytes, path: str | None) -> bytes:
    """Write a name; a tab ends one with spaces in it, as git and patch(1) need it."""
    if path is None:
        return b"/dev/null"
    name = quote_path(prefix + encode_path(path))
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def encode_path(path: str | None) -> bytes:
    """Return the bytes of a path."""
    return (path or "").encode("utf-8", "surrogateescape")

"""Read git's patches and apply them to bytes, exactly; what is unsafe or does not fit is refused.

For patches of our own and of histories. A foreign one is applied by git itself
(``storage/foreign_patches.py``); tests hold both to the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from storage.errors import PatchError
from syntax.binary_patches import BinaryChange, hash_blob
from syntax.hunks import apply_hunks
from syntax.patch_headers import PatchHeader, read_git_header, read_plain_header
from syntax.patch_names import detect_strip, find_name
from syntax.patch_sections import FilePatch, read_body, reverse_part, write_part
from syntax.patches import decode, encode, unified_diff
from syntax.text import split_lines

LINK, SUBMODULE = "120000", "160000"
Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class PatchedFile:
    """A file as a patch leaves it: None where it is deleted.

    The mode is empty where the patch does not say it and nobody was asked. A submodule's content
    is the line that git has for it: ``Subproject commit …``.
    """

    content: bytes | None
    mode: str = ""


def apply_patch(patch: str, read: Read, *, reverse: bool = False) -> dict[str, bytes | None]:
    """Return the files that a patch leaves changed: path to content, None where deleted.

    Raises PatchError when the patch is malformed, unsafe, names a submodule, or does not match
    what ``read`` gives.
    """
    made = patch_files(patch, read, reverse=reverse)
    if submodules := [path for path, file in made.items() if file.mode == SUBMODULE]:
        raise PatchError(f"the patch changes {submodules[0]}, which is a submodule")
    return {path: file.content for path, file in made.items()}


def patch_files(
    patch: str,
    read: Read,
    *,
    reverse: bool = False,
    read_mode: Callable[[str], str | None] = lambda path: None,
) -> dict[str, PatchedFile]:
    """Return the files that a patch leaves changed, with their modes, by path.

    Raises PatchError when the patch is malformed, unsafe, or does not match what ``read`` gives.
    """
    parts = parse(patch)
    if reverse:
        # The last first: a file may have several sections.
        parts = [reverse_part(part) for part in reversed(parts)]
    files = PatchedFiles(read, read_mode, {p.old for p in parts if p.old and is_removal(p)})
    for part in parts:
        if part.move == "copy" and reverse:
            files.uncopy(part)
        else:
            files.apply(part)
    return files.collect()


def is_removal(part: FilePatch) -> bool:
    """Say whether a section takes its old path away."""
    return part.new is None or part.move == "rename"


@dataclass(slots=True)
class PatchedFiles:
    """Files as the sections of a patch change them, one after the other."""

    read: Read
    read_mode: Callable[[str], str | None]
    doomed: Collection[str]
    """Paths that some section of the patch takes away: another may be put there before."""
    made: dict[str, PatchedFile] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def apply(self, part: FilePatch) -> None:
        """Apply one section. Raises PatchError."""
        before = self.find_before(part)
        after = PatchedFile(apply_content(part, before.content or b""), new_mode(part, before))
        if part.old is not None and is_removal(part):
            self.remove(part.old, is_moved=bool(part.move))
        if part.new is None:
            if after.content:
                raise PatchError(f"the patch deletes {part.old}, but not all of its lines")
            return
        self.made[part.new] = after

    def uncopy(self, part: FilePatch) -> None:
        """Undo a copy. Raises PatchError where it is not what was made."""
        before = self.find(part.old or "")
        apply_content(part, before.content or b"")
        self.remove(part.old or "", is_moved=False)

    def find_before(self, part: FilePatch) -> PatchedFile:
        """Return the file that a section starts from, empty where it makes one."""
        is_created = part.old is None or bool(part.move)
        if part.new is not None and is_created and self.is_taken(part.new):
            raise PatchError(f"the patch creates {part.new}, which exists already")
        if part.old is None:
            return PatchedFile(b"")
        if part.may_create and part.old not in self.made and self.read(part.old) is None:
            return PatchedFile(b"", part.new_mode or "100644")
        before = self.find(part.old, is_moved=bool(part.move))
        if part.old_mode and before.mode and part.old_mode[:3] != before.mode[:3]:
            raise PatchError(f"the patch takes {part.old} for another kind of file")
        return before

    def is_taken(self, path: str) -> bool:
        """Say whether a file is in the way of a new one."""
        if path in self.made:
            return True
        return path not in self.doomed and path not in self.gone and self.read(path) is not None

    def find(self, path: str, *, is_moved: bool = False) -> PatchedFile:
        """Return a file as it is by now; what is moved, as it was before. Raises PatchError."""
        if not is_moved and path in self.made:
            return self.made[path]
        is_gone = not is_moved and path in self.gone
        content = None if is_gone else self.read(path)
        if content is None:
            raise PatchError(f"the patch changes {path}, which does not exist")
        return PatchedFile(content, self.read_mode(path) or "")

    def remove(self, path: str, *, is_moved: bool) -> None:
        """Take a path away, but not what a section put there in the place of what is moved."""
        if not is_moved:
            self.made.pop(path, None)
        self.gone.add(path)

    def collect(self) -> dict[str, PatchedFile]:
        """Return every file that was changed."""
        return {path: PatchedFile(None) for path in self.gone if path not in self.made} | self.made


def new_mode(part: FilePatch, before: PatchedFile) -> str:
    """Return the mode of a file after a section; empty where nobody says it."""
    if part.new_mode:
        return part.new_mode
    return "100644" if part.old is None else before.mode or part.old_mode


def apply_content(part: FilePatch, before: bytes) -> bytes:
    """Return a file's content after a section. Raises PatchError."""
    if part.is_dataless:
        raise PatchError(f"the patch holds binary changes to {part.path} without their data")
    if part.binary:
        return apply_binary(part, part.binary, before)
    return apply_hunks(before, part.hunks, reverse=False, path=str(part.old or part.new))


def apply_binary(part: FilePatch, change: BinaryChange, before: bytes) -> bytes:
    """Return a binary file's content after a section, both sides checked by their names."""
    if not {len(part.old_blob), len(part.new_blob)} <= {40, 64}:
        raise PatchError(f"the patch does not name both contents of {part.path}, which is binary")
    if part.old is not None and hash_blob(before, part.old_blob) != part.old_blob:
        raise PatchError(f"the patch does not apply to {part.old}, which is binary and another")
    if not part.new_blob.strip("0"):
        return b""
    after = change.forward.apply(before)
    if hash_blob(after, part.new_blob) != part.new_blob:
        raise PatchError(f"the patch makes another binary {part.new} than it says")
    return after


def touched_paths(patch: str) -> tuple[str, ...]:
    """Return every path that a patch names, sorted. Raises PatchError."""
    return tuple(sorted({path for part in parse(patch) for path in part.paths}))


def reverse_patch(patch: str) -> str:
    """Return the patch that undoes one. Raises PatchError, also for copies: they lack the file."""
    parts = [reverse_part(part) for part in reversed(parse(patch))]
    if copies := [part.old for part in parts if part.move == "copy"]:
        raise PatchError(f"the patch copies a file to {copies[0]}: what it deletes is not in it")
    return decode(b"".join(write_part(part) for part in parts))


def restrict_patch(
    patch: str,
    is_kept: Callable[[str], bool],
    read: Read,
    *,
    read_mode: Callable[[str], str | None] = lambda path: None,
) -> str:
    """Return a patch that changes no other paths, its sections as they are where they can be.

    A rename or copy of which one path stays out becomes a new or a deleted file; ``read`` gives
    files before the patch, ``read_mode`` their modes. Raises PatchError.
    """
    # All have the same prefixes: what is written anew has git's.
    is_bare = detect_strip(split_lines(encode(patch))) == 0
    texts = []
    for part in parse(patch):
        kept = [path for path in part.paths if is_kept(path)]
        if len(kept) == len(part.paths):
            texts.append(decode(write_part(part) if is_bare else part.raw))
        elif kept:
            texts.append(restrict_part(part, kept[0], read, read_mode(part.old or "") or ""))
    return "".join(texts)


def restrict_part(part: FilePatch, path: str, read: Read, mode: str) -> str:
    """Return what a rename or copy does to one of its two paths."""
    before = read(part.old or "")
    if before is None:
        raise PatchError(f"the patch changes {part.old}, which does not exist")
    mode = mode or part.old_mode or "100644"
    if path == part.new:
        mode = part.new_mode or mode
        return unified_diff(path, None, apply_content(part, before), mode=mode)
    if part.move == "copy":
        return ""
    return unified_diff(path, before, None, mode=mode)


def parse(patch: str) -> list[FilePatch]:
    """Read a patch. Raises PatchError when it is malformed, unsafe or names no file."""
    lines = split_lines(encode(patch))
    strip = detect_strip(lines)
    found: list[FilePatch] = []
    at = 0
    while at < len(lines):
        start, header, at = at, *read_header(lines, at, strip)
        if header is not None:
            part = make_part(header)
            at = read_body(part, header, lines, at)
            part.raw = b"".join(lines[start:at])
            found.append(part)
    if not found and patch.strip():
        raise PatchError("the patch is malformed: it names no file")
    return found


def read_header(lines: list[bytes], at: int, strip: int) -> tuple[PatchHeader | None, int]:
    """Read the header at a line if there is one; return the line to go on with."""
    line = lines[at]
    if line.startswith(b"diff --git "):
        header, end = read_git_header(lines, at, strip)
        # Without a line of its own it says nothing: prose may begin so.
        return (header if end > at + 1 else None), end
    following = [*lines[at + 1 : at + 3], b"", b""]
    pair = line.startswith(b"--- ") and following[0].startswith(b"+++ ")
    if pair and following[1].startswith(b"@@ -"):
        return read_plain_header(line, following[0], strip), at + 2
    if line.startswith(b"@@ -") and line.count(b"@@") > 1:
        raise PatchError("the patch is malformed: a hunk before the file's name")
    return None, at + 1


def make_part(header: PatchHeader) -> FilePatch:
    """Return the section that a header starts. Raises PatchError for an unsafe path."""
    return FilePatch(
        old=None if header.old is None else check_path(header.old),
        new=None if header.new is None else check_path(header.new),
        old_mode=header.old_mode,
        new_mode=header.new_mode,
        move=header.move,
        old_blob=header.old_blob,
        new_blob=header.new_blob,
        similarity=header.similarity,
    )


def side(line: bytes, prefix: bytes) -> str | None:
    """The path on a ``---`` or ``+++`` line; None for /dev/null."""
    name = find_name(line[4:] + b"\n", 0, ends=b"\t\r")
    if name is None or name == b"/dev/null":
        return None
    return check_path(name[2:] if name.startswith(prefix) else name)


def check_path(raw: bytes) -> str:
    """Return a path that stays inside the tree. Raises PatchError for any other."""
    path = decode(raw)
    parts = path.lower().split("/")
    if not path or path.startswith("/") or "\0" in path or {"..", ".git", "", "."} & set(parts):
        raise PatchError(f"the patch touches {path!r}, which is outside what it may change")
    return path

"""Patches of other people, applied to a stored tree by git itself: what git takes counts.

Against a private index of the bare repository: nothing is written outside it, whatever paths,
links and modes a patch names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.blobs import read_blobs
from storage.errors import PatchError
from storage.git import GitError, git, git_streams
from storage.scratch import scratch_folder
from storage.tree_entries import SUBMODULE
from storage.trees import Trees

TIMEOUT = 120.0
"""Seconds that git may search for the place of a patch's hunks."""
ALLOCATION = "512m"
"""What git may allocate at once: a binary patch of a few bytes can name any size."""
MESSAGES = (
    (r"patch failed: (.*):(\d+)", r"the patch does not apply to \1 at line \2"),
    (r"(.*): does not exist in index", r"the patch changes \1, which does not exist"),
    (r"(.*): already exists in index", r"the patch creates \1, which exists already"),
    (
        r"corrupt (?:binary )?patch at (?:line |<stdin>:)(\d+).*",
        r"the patch is malformed at its line \1",
    ),
    (r"No valid patches in input.*", r"the patch is malformed: it names no file"),
    (r"invalid path '(.*)'", r"the patch touches '\1', which is outside what it may change"),
    (
        r"affected file '(.*)' is beyond a symbolic link",
        r"the patch touches '\1', which lies beyond a symbolic link",
    ),
    (
        r"cannot apply binary patch to '(.*)' without full index line",
        r"the patch holds binary changes to \1 without their data",
    ),
)
"""git's own words, and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedPatch:
    """What a patch makes of a tree.

    ``files`` has every path that differs (None where deleted), ``modes`` the mode of each that
    is there; ``notes`` say what was done beyond what git does, and what was left out.
    """

    tree: str
    files: Mapping[str, bytes | None]
    modes: Mapping[str, str]
    notes: tuple[str, ...] = ()


def apply_by_git(trees: Trees, tree: str, patch: bytes, *options: str) -> AppliedPatch:
    """Return what ``git apply`` makes of a tree. Raises PatchError where git refuses.

    Submodules are left out, and noted: no files come with them.
    """
    with scratch_folder() as folder:
        index = PrivateIndex(trees.git_dir, folder)
        index.run("read-tree", tree)
        try:
            told = index.apply(patch, *options)
        except GitError as error:
            raise PatchError(reword(str(error))) from error
        submodules = index.drop_submodules()
        made = index.run("write-tree").decode().strip()
    notes = [f"{path} is a submodule: left out" for path in submodules]
    return compare_trees(trees, tree, made, (*notes, *told))


@dataclass(frozen=True, slots=True)
class PrivateIndex:
    """An index of its own beside a bare repository."""

    git_dir: Path
    folder: Path

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run git with this index. Raises GitError."""
        return self.run_streams(*words, stdin=stdin)[0]

    def run_streams(self, *words: str, stdin: bytes = b"") -> tuple[bytes, bytes]:
        """Run git with this index, and return both its streams. Raises GitError."""
        return git_streams(
            f"--git-dir={self.git_dir}",
            *words,
            cwd=self.folder,
            stdin=stdin,
            env={"GIT_INDEX_FILE": str(self.folder / "index"), "GIT_ALLOC_LIMIT": ALLOCATION},
            timeout=TIMEOUT,
        )

    def apply(self, patch: bytes, *options: str) -> list[str]:
        """Let git apply a patch, and return what it left out of it. Raises GitError.

        At a binary section that it cannot read git stops, takes what came before, and succeeds.
        """
        words = ("apply", "--cached", "--whitespace=nowarn", *options, "-")
        told = self.run_streams(*words, stdin=patch)[1].decode("utf-8", "replace")
        errors = [line[7:] for line in told.splitlines() if line.startswith("error: ")]
        return [f"git stopped at a section it cannot read ({line})" for line in errors[:1]]

    def drop_submodules(self) -> list[str]:
        """Take submodules out of the index, and return their paths."""
        listed = self.run("ls-files", "--stage", "-z").split(b"\0")
        found = [line.partition(b"\t")[2] for line in listed if line.startswith(SUBMODULE.encode())]
        if found:
            gone = b"".join(b"0 %s\t%s\0" % (b"0" * 40, path) for path in found)
            self.run("update-index", "-z", "--index-info", stdin=gone)
        return [os.fsdecode(path) for path in found]


def compare_trees(trees: Trees, start: str, made: str, notes: tuple[str, ...] = ()) -> AppliedPatch:
    """Return the files that differ between two stored trees."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--raw", start, made)
    fields = git(f"--git-dir={trees.git_dir}", *words).split(b"\0")[:-1]
    entries = {
        os.fsdecode(path): described.decode().split()
        for described, path in zip(fields[::2], fields[1::2], strict=True)
    }
    kept = {path: entry for path, entry in entries.items() if entry[4] != "D"}
    contents = read_blobs(trees.git_dir, [entry[3] for entry in kept.values()])
    files = {path: contents[kept[path][3]] if path in kept else None for path in entries}
    modes = {path: entry[1] for path, entry in kept.items()}
    return AppliedPatch(tree=made, files=files, modes=modes, notes=notes)


def reword(message: str) -> str:
    """Put git's refusal in the words of this project; unknown ones are kept and marked."""
    for pattern, words in MESSAGES:
        if match := re.fullmatch(pattern, message):
            return match.expand(words)
    return f"git refuses the patch: {message}"

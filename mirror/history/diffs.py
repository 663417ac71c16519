"""What git says of ``base..commit``, for many pairs by one process each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.git import git

Pair = tuple[str, str]
"""Commit and base."""

COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLines:
    """The lines of one file that a diff adds and removes, each side joined."""

    path: str
    added: str
    removed: str
    created: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file of a diff. Names of contents are empty where the file is not there."""

    path: str
    """After the change; before it where the file was deleted."""
    before: str
    after: str
    added: int = 0
    """Lines; 0 for binary files."""
    removed: int = 0
    old_path: str = ""
    """Where it was renamed from."""


def changed_files(git_dir: Path, pairs: Sequence[Pair]) -> dict[str, tuple[FileDiff, ...]]:
    """Return the files that each commit changes, renames followed; without counts of lines."""
    found: dict[str, list[FileDiff]] = {commit: [] for commit, _ in pairs}
    fields = _raw_fields(git_dir, pairs, "--raw", "--no-abbrev")
    commit = ""
    for field in fields:
        if not field.startswith(b":"):
            commit = field.decode()
            continue
        _, _, before, after, status = field[1:].decode().split(" ")
        path = os.fsdecode(next(fields))
        renamed = status[0] in "RC"
        found[commit].append(
            FileDiff(
                path=os.fsdecode(next(fields)) if renamed else path,
                old_path=path if renamed else "",
                before="" if before.strip("0") == "" else before,
                after="" if after.strip("0") == "" else after,
            )
        )
    return {commit: tuple(files) for commit, files in found.items()}


def counted_lines(git_dir: Path, pairs: Sequence[Pair]) -> dict[str, dict[str, tuple[int, int]]]:
    """Return how many lines each commit adds to and removes from each path."""
    found: dict[str, dict[str, tuple[int, int]]] = {commit: {} for commit, _ in pairs}
    fields = _raw_fields(git_dir, pairs, "--numstat")
    commit = ""
    for field in fields:
        if b"\t" not in field:
            commit = field.decode().strip()
            continue
        added, removed, path = field.split(b"\t", 2)
        if not path:
            next(fields)
            path = next(fields)
        counts = (int(added), int(removed)) if added != b"-" else (0, 0)
        found[commit][os.fsdecode(path)] = counts
    return found


def changed_lines(
    git_dir: Path, pairs: Sequence[Pair], pathspecs: Sequence[str]
) -> dict[str, tuple[FileLines, ...]]:
    """Return the lines that each commit adds and removes in the files of the pathspecs."""
    found: dict[str, list[FileLines]] = {commit: [] for commit, _ in pairs}
    printed = _diff_tree(git_dir, pairs, "-p", "-U0", "--no-renames", "--", *pathspecs)
    for commit, file in parse_patches(printed.split(b"\n")):
        found[commit].append(file)
    return {commit: tuple(files) for commit, files in found.items()}


def parse_patches(lines: Iterable[bytes]) -> Iterator[tuple[str, FileLines]]:
    """Yield each file of each commit, from what ``git diff-tree --stdin -p -U0`` prints."""
    commit, path, created = "", b"", False
    added: list[bytes] = []
    removed: list[bytes] = []
    minus = plus = 0
    for line in lines:
        if minus and line.startswith(b"-"):
            removed.append(line[1:])
            minus -= 1
        elif plus and line.startswith(b"+"):
            added.append(line[1:])
            plus -= 1
        elif (starts := line.startswith(b"diff --git ")) or COMMIT.fullmatch(line):
            if path:
                yield commit, _file_lines(path, added, removed, created)
            path, created, added, removed = b"", False, [], []
            commit = commit if starts else line.decode()
        elif line.startswith(b"new file"):
            created = True
        elif line.startswith((b"--- ", b"+++ ")):
            name = line[4:].rstrip(b"\t").strip(b'"')
            path = path if name == b"/dev/null" else name[2:]
        elif hunk := HUNK.match(line):
            minus, plus = int(hunk[1] or 1), int(hunk[2] or 1)
    if path:
        yield commit, _file_lines(path, added, removed, created)


def _file_lines(path: bytes, added: list[bytes], removed: list[bytes], created: bool) -> FileLines:
    return FileLines(
        path=os.fsdecode(path),
        added=b"\n".join(added).decode("utf-8", "replace"),
        removed=b"\n".join(removed).decode("utf-8", "replace"),
        created=created,
    )


def _raw_fields(git_dir: Path, pairs: Sequence[Pair], *options: str) -> Iterator[bytes]:
    return iter(_diff_tree(git_dir, pairs, "-z", "-M", *options).split(b"\0")[:-1])


def _diff_tree(git_dir: Path, pairs: Sequence[Pair], *options: str) -> bytes:
    """Plumbing: no setting of the repository or the host changes what it prints."""
    asked = "".join(f"{commit} {base}\n" for commit, base in pairs).encode()
    return git(f"--git-dir={git_dir}", "diff-tree", "--stdin", "-r", *options, stdin=asked)

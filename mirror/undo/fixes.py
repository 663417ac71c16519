"""What a fix changed, read from the clone: its source, its tests, and where the files are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from storage.blobs import read_blobs
from storage.git import git
from syntax.paths import is_source_path, is_test_path

NONE = "0" * 40
LINK, SUBMODULE = "120000", "160000"
LIKE = 30
"""Per cent of a file that must be left for git to call it renamed between the fix and today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFile:
    """One source file that a fix changed; None where it was not there."""

    old_path: str
    path: str
    before: bytes | None
    fixed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """The change that ended a bug."""

    commit: str
    base: str
    changes: tuple[FixedFile, ...]
    """The source part."""
    tests: tuple[str, ...]
    """Files of tests it added or changed, by their path then."""


class Clone:
    """A clone with its history, as far as mirroring reads it."""

    def __init__(self, git_dir: Path, head: str) -> None:
        self.git_dir = git_dir
        self.head = head

    def run_git(self, *arguments: str) -> str:
        """Run git there, and return what it printed."""
        return git(f"--git-dir={self.git_dir}", *arguments).decode("utf-8", "surrogateescape")

    def read_fix(
        self, base: str, commit: str, is_source: Callable[[str], bool] = is_source_path
    ) -> Fix:
        """Read a fix: the diff from ``base`` to ``commit``, renames followed.

        Raises GitError when a commit is not in the clone.
        """
        entries = self._diff(base, commit)
        tests = [e.path for e in entries if is_test_path(e.path) and e.new != NONE]
        chosen = [e for e in entries if is_source(e.path) or is_source(e.old_path)]
        chosen = [e for e in chosen if not {LINK, SUBMODULE} & {e.old_mode, e.new_mode}]
        names = [name for e in chosen for name in (e.old, e.new) if name != NONE]
        blobs: Mapping[str, bytes] = read_blobs(self.git_dir, names) if names else {}
        changes = tuple(
            FixedFile(
                old_path=e.old_path,
                path=e.path,
                before=blobs.get(e.old),
                fixed=blobs.get(e.new),
            )
            for e in chosen
        )
        return Fix(commit=commit, base=base, changes=changes, tests=tuple(tests))

    def find_homes(self, fix: Fix, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Say for each file of a fix which of today's ``paths`` it has become, likeliest first."""
        today = set(paths)
        wanted = [c.path for c in fix.changes if c.fixed is not None]
        missing = [path for path in wanted if path not in today]
        renamed = self._find_renames(fix.commit, missing) if missing else {}
        found = {}
        for path in wanted:
            homes = [path] if path in today else []
            if renamed.get(path) in today:
                homes.append(renamed[path])
            homes += [
                each for each in find_moved_paths(path, self._by_name(today)) if each not in homes
            ]
            found[path] = tuple(homes)
        return found

    def _by_name(self, paths: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(paths):
            found.setdefault(PurePosixPath(path).name, []).append(path)
        return found

    def _find_renames(self, commit: str, missing: Sequence[str]) -> dict[str, str]:
        """Follow files to what they are called at the head."""
        return {
            e.old_path: e.path
            for e in self._diff(commit, self.head, f"-M{LIKE}%", "--diff-filter=R")
            if e.old_path in missing
        }

    def _diff(self, old: str, new: str, *options: str) -> list[RawDiffEntry]:
        printed = self.run_git(
            "diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-l0", *(options or ("-M",)), old, new
        )
        parts = printed.split("\0")
        found = []
        at = 0
        while at < len(parts) and parts[at].startswith(":"):
            old_mode, new_mode, before, after, status = parts[at][1:].split(" ")
            path = parts[at + 1]
            to = parts[at + 2] if status[0] in "RC" else path
            at += 3 if status[0] in "RC" else 2
            found.append(RawDiffEntry(path, to, old_mode, new_mode, before, after))
        return found

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The files at the head."""
        listed = self.run_git("ls-tree", "-r", "-z", "--name-only", self.head)
        return tuple(path for path in listed.split("\0") if path)


@dataclass(frozen=True, slots=True)
class RawDiffEntry:
    """A line of ``git diff-tree --raw``."""

    old_path: str
    path: str
    old_mode: str
    new_mode: str
    old: str
    new: str


def find_moved_paths(path: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the files that a path may have become by the moves that are common.

    A package put under ``src/``, a folder around it renamed, a module that became a package.
    """
    parts = PurePosixPath(path).parts
    name = parts[-1]
    candidates = [
        other
        for other in names.get(name, ())
        if name != "__init__.py" or PurePosixPath(other).parts[-2:] == parts[-2:]
    ]
    if not candidates and name.endswith(".py"):
        package = f"{name[:-3]}/__init__.py"
        return [each for each in names.get("__init__.py", ()) if f"/{each}".endswith(f"/{package}")]

    def common(other: str) -> int:
        count = 0
        for one, two in zip(reversed(parts), reversed(PurePosixPath(other).parts), strict=False):
            if one != two:
                break
            count += 1
        return count

    best = max(map(common, candidates), default=0)
    fitting = [each for each in candidates if common(each) == best]
    return fitting if len(fitting) == 1 or best > 1 else []

"""The files of a repository, as detection and configuration read them: paths and bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

SKIPPED = frozenset({".git", ".hg", ".tox", ".nox", ".venv", "node_modules", "__pycache__"})


class RepositoryTree(Protocol):
    """What can be asked of a repository without running any of it."""

    @property
    def paths(self) -> frozenset[str]:
        """Every file, relative to the root, with forward slashes."""

    def read_file(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""


@dataclass(frozen=True)
class FolderTree:
    """A repository that lies in a folder. Links that lead out of it are not followed."""

    root: Path
    _skipped: frozenset[str] = field(default=SKIPPED, repr=False)

    @cached_property
    def paths(self) -> frozenset[str]:
        found: set[str] = set()
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in self._skipped]
            base = Path(folder).relative_to(self.root)
            found.update((base / name).as_posix() for name in files)
        return frozenset(found)

    def read_file(self, path: str) -> bytes | None:
        if path not in self.paths:
            return None
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root.resolve()) or not target.is_file():
            return None
        return target.read_bytes()


def read_text(tree: RepositoryTree, path: str) -> str:
    """Return a file as text, empty when it is not there; bytes that are not UTF-8 are replaced."""
    data = tree.read_file(path)
    return "" if data is None else data.decode("utf-8-sig", errors="replace")


def has_path(tree: RepositoryTree, path: str) -> bool:
    """Say whether ``path`` is a file or a folder of the tree (``.`` always is)."""
    clean = path.removeprefix("./").rstrip("/")
    if clean in ("", "."):
        return True
    return clean in tree.paths or any(each.startswith(f"{clean}/") for each in tree.paths)

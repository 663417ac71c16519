"""Repositories as dicts, for what only reads files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from harness.detect import plans
from harness.detect.config import Overrides
from storage.records import Plan

PYTHONS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class MemoryTree:
    """A tree whose files are given as text."""

    files: Mapping[str, str]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.files)

    def read_file(self, path: str) -> bytes | None:
        text = self.files.get(path)
        return None if text is None else dedent(text).encode()


def tree(**files: str) -> MemoryTree:
    """Return a package ``pkg`` with one test, and ``files``; in names, ``__`` stands for ``/``.

    The last ``_`` stands for the dot before the ending: ``tox_ini``, ``requirements__tests_txt``.
    """
    named = {".".join(name.replace("__", "/").rsplit("_", 1)): text for name, text in files.items()}
    return MemoryTree(
        {"pkg/__init__.py": "", "tests/test_pkg.py": "def test_it(): pass\n", **named}
    )


def planned(
    repository: MemoryTree, overrides: Overrides | None = None, *, version: str = "1.2.3"
) -> tuple[Plan, ...]:
    return plans(repository, pythons=PYTHONS, overrides=overrides or Overrides(), version=version)


def first(repository: MemoryTree, overrides: Overrides | None = None) -> Plan:
    return planned(repository, overrides)[0]

"""The deny-list: repositories of public benchmarks, by name, former name, package and root."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from storage.records import Repository

FILE = Path(__file__).with_name("benchmarks.json")
INDEX = "pypi"
"""Owner of what was fetched from the package index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A repository that public benchmarks are made of."""

    name: str
    """As the benchmarks name it."""
    benchmarks: tuple[str, ...]
    by: str
    """What it was known by: ``name``, ``former-name``, ``root`` or ``package``."""

    def __str__(self) -> str:
        return f"{self.name} is in {', '.join(self.benchmarks)} (known by its {self.by})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyList:
    """Rows of the list under everything that a repository can be known by."""

    names: Mapping[str, Mapping[str, Any]]
    former: Mapping[str, Mapping[str, Any]]
    roots: Mapping[str, Mapping[str, Any]]
    packages: Mapping[str, Mapping[str, Any]]
    benchmarks: Mapping[str, Mapping[str, Any]]
    """What each benchmark is, and where its repositories were read."""

    def match(self, repository: Repository, package: str = "") -> Overlap | None:
        """Return what a repository has to do with benchmarks, by the surest evidence there is.

        ``package`` is what its own files call its distribution.
        """
        name = f"{repository.owner}/{repository.name}".lower()
        called = repository.name if repository.owner == INDEX else package
        for by, table, key in (
            ("name", self.names, name),
            ("former-name", self.former, name),
            ("root", self.roots, repository.root),
            ("package", self.packages, canonicalize_name(called) if called else ""),
        ):
            if row := table.get(key):
                return Overlap(name=row["name"], benchmarks=tuple(row["benchmarks"]), by=by)
        return None


@lru_cache(maxsize=1)
def deny_list() -> DenyList:
    """Read the list that comes with the project."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    rows = document["repositories"]
    return DenyList(
        names={row["name"].lower(): row for row in rows},
        former={name.lower(): row for row in rows for name in row.get("also", ())},
        roots={row["root"]: row for row in rows if row["root"]},
        packages={canonicalize_name(name): row for row in rows for name in row.get("packages", ())},
        benchmarks=document["benchmarks"],
    )

"""What the rules of repair may know of a repository, gathered from its files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache

from harness.detect.facts import read_project
from harness.detect.model import normalise
from harness.detect.suites import own_modules
from harness.detect.tree import RepositoryTree, read_text
from harness.environments.repair_context import RepairContext
from storage.records import Repository

SETTINGS = re.compile(r"(?:\.(?:toml|cfg|ini|txt|in|ya?ml|lock|py)|Pipfile|Makefile|justfile)$")
SCRIPTS = re.compile(r"(?:^|/)(?:setup|noxfile|tasks|fabfile)\.py$")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")
LARGEST = 500_000
"""Bytes of a file that still is a setting, and no data."""


def gather_known_facts(
    tree: RepositoryTree,
    repository: Repository,
    *,
    pythons: Sequence[str],
    system: bool,
    today: date,
) -> RepairContext:
    """Return what is known; the settings are read only when a rule asks for them."""
    project = read_project(tree)

    @cache
    def words() -> frozenset[str]:
        return read_settings_words(tree)

    def requirements(path: str) -> tuple[str, ...]:
        lines = (line.split(" #")[0].strip() for line in read_text(tree, path).splitlines())
        return tuple(line for line in lines if line and not line.startswith(("#", "-")))

    return RepairContext(
        committed=repository.date,
        today=today,
        pythons=pythons,
        own=own_modules(tree),
        roots=lambda module: roots(tree, module),
        project=normalise(project.name),
        build_requires=project.build_requires,
        mentions=lambda name: name in words(),
        read_requirements=requirements,
        read_group=lambda name: project.groups.get(normalise(name), ()),
        system=system,
    )


def roots(tree: RepositoryTree, module: str) -> tuple[str, ...]:
    """Return the folders from which a module could be imported, the shallowest first."""
    tails = (f"{module}.py", f"{module}/__init__.py")
    places = {
        path.removesuffix(tail).rstrip("/") or "."
        for path in tree.paths
        for tail in tails
        if path == tail or path.endswith(f"/{tail}")
    }
    return tuple(sorted(places, key=lambda place: (place.count("/"), place)))


def read_settings_words(tree: RepositoryTree) -> frozenset[str]:
    """Return every word of the settings that could be a distribution's name, normalised."""
    found: set[str] = set()
    for path in tree.paths:
        if SETTINGS.search(path) and (not path.endswith(".py") or SCRIPTS.search(path)):
            text = read_text(tree, path)
            if len(text) < LARGEST:
                found.update(normalise(word) for word in NAME.findall(text))
    return frozenset(found)

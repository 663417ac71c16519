"""What the rules of repair may know of a repository, gathered from its files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Literal

from harness.detect.facts import read_project
from harness.detect.model import ProjectMetadata, normalise
from harness.detect.python_source import parse
from harness.detect.requirements import candidates
from harness.detect.scores import for_tests
from harness.detect.suites import own_modules
from harness.detect.tree import RepositoryTree, read_text
from harness.environments.repair_context import Provider, RepairContext
from storage.records import Repository

SETTINGS = re.compile(r"(?:\.(?:toml|cfg|ini|txt|in|ya?ml|lock|py)|Pipfile|Makefile|justfile)$")
SCRIPTS = re.compile(r"(?:^|/)(?:setup|noxfile|tasks|fabfile)\.py$")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")
ASKING = ("importorskip", "find_spec", "import_module", "__import__")
"""Calls by which a file asks for a module that may be missing."""
LARGEST = 500_000
"""Bytes of a file that still is a setting, and no data."""


def gather_known_facts(
    tree: RepositoryTree,
    repository: Repository,
    *,
    pythons: Sequence[str],
    system: bool,
    today: date,
    is_configured: bool = False,
) -> RepairContext:
    """Return what is known; the settings are read only when a rule asks for them."""
    project = read_project(tree)

    @cache
    def words() -> frozenset[str]:
        return read_settings_words(tree)

    return RepairContext(
        committed=repository.date,
        today=today,
        pythons=pythons,
        own=own_modules(tree),
        roots=lambda module: roots(tree, module),
        project=normalise(project.name),
        build_requires=project.build_requires,
        mentions=lambda name: name in words(),
        read_requirements=lambda path: read_requirement_lines(tree, path),
        read_group=lambda name: project.groups.get(normalise(name), ()),
        system=system,
        is_configured=is_configured,
        providers=tuple(list_providers(tree, project)),
        optional_imports=lambda path: read_optional_imports(tree, path),
    )


def list_providers(tree: RepositoryTree, project: ProjectMetadata) -> Iterator[Provider]:
    """Yield the extras, groups, other tools' lists and requirements files of a repository."""
    for name, items in project.extras.items() if project.installable else ():
        yield make_provider("extra", name, items)
    for name, items in project.groups.items():
        yield make_provider("group", name, items)
    for name, items in project.lists.items():
        yield make_provider("list", name, items)
    for path in candidates(tree):
        yield make_provider("list", path, read_requirement_lines(tree, path))


def make_provider(
    kind: Literal["extra", "group", "list"], name: str, items: tuple[str, ...]
) -> Provider:
    whole = kind != "list" and for_tests(name, {name: items})
    return Provider(kind=kind, name=name, requirements=items, is_whole=whole)


def read_requirement_lines(tree: RepositoryTree, path: str) -> tuple[str, ...]:
    """Return the requirements that a file lists itself."""
    lines = (line.split(" #")[0].strip() for line in read_text(tree, path).splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "-")))


def read_optional_imports(tree: RepositoryTree, path: str) -> tuple[str, ...]:
    """Return the modules that a file does without; its path may begin with the tree's folder."""
    inner = path
    while inner and inner not in tree.paths:
        inner = inner.partition("/")[2]
    return tuple(list_optional_imports(parse(read_text(tree, inner)))) if inner else ()


def list_optional_imports(module: ast.Module) -> Iterator[str]:
    """Yield the modules that a file asks for and does without: under ``try``, or by a question."""
    for node in ast.walk(module):
        if isinstance(node, ast.Try):
            yield from list_imports(node.body)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(ASKING) and node.args:
            asked = node.args[0]
            if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
                yield asked.value


def list_imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


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

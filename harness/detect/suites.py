"""Read the test files: where they lie, what they import, which fixtures and marks they use."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from harness.detect.distributions import FIXTURES, MARKS
from harness.detect.pytest_config import PytestConfig
from harness.detect.python_source import parse
from harness.detect.tree import RepositoryTree, read_text

FOLDERS = ("tests", "test", "testing", "unit_tests", "unittests", "Tests", "t")
ELSEWHERE = re.compile(
    r"(?:^|/)(?:docs?|examples?|benchmarks?|bench|scripts|tools|build|dist|vendor|_vendor|"
    r"node_modules|fixtures|\.[^/]+)/"
)
PATTERNS = ("test_*.py", "*_test.py")
UNITTEST_PATTERNS = ("test*.py", "*tests.py")
MOST_FILES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What test files need of the world."""

    modules: frozenset[str] = frozenset()
    """Top-level modules imported without a guard, neither stdlib nor the repository's own."""
    plugins: frozenset[str] = frozenset()
    """Distributions whose fixtures or marks are used."""


def suite_files(tree: RepositoryTree, config: PytestConfig) -> tuple[list[str], tuple[str, ...]]:
    """Return the files that hold tests, and the options pytest needs to see them.

    Docs and examples are left out. Where no file is named as pytest wants it, names that
    unittest finds are looked for.
    """
    patterns = config.words("python_files")
    found = find_matching_files(tree, patterns or PATTERNS)
    if found or patterns:
        return found, ()
    found = find_matching_files(tree, UNITTEST_PATTERNS)
    return found, ("-o", f"python_files={' '.join(UNITTEST_PATTERNS)}") if found else ()


def find_matching_files(tree: RepositoryTree, patterns: tuple[str, ...]) -> list[str]:
    return sorted(
        path
        for path in tree.paths
        if path.endswith(".py") and has_test_name(path, patterns) and not ELSEWHERE.search(path)
    )


def has_test_name(path: str, patterns: tuple[str, ...]) -> bool:
    name = posixpath.basename(path)
    return any(fnmatch(path if "/" in pattern else name, pattern) for pattern in patterns)


def suite_folders(files: list[str]) -> tuple[str, ...]:
    """Return the folders to collect: one at the root, else those inside packages; maybe none.

    None means that tests lie beside the code, or at the root: pytest looks everywhere.
    """
    for folder in FOLDERS:
        if any(path.startswith(f"{folder}/") for path in files):
            return (folder,)
    found = {inner for path in files if (inner := inner_folder(path))}
    if not found or any(inner_folder(path) is None for path in files):
        return ()
    return tuple(sorted(f for f in found if not any(f.startswith(f"{o}/") for o in found)))


def inner_folder(path: str) -> str | None:
    parts = path.split("/")[:-1]
    place = next((n for n, part in enumerate(parts) if part in FOLDERS), None)
    return None if place is None else "/".join(parts[: place + 1])


def find_test_needs(tree: RepositoryTree, files: list[str]) -> Used:
    """Return what the test files, their conftests and their helpers need."""
    own = own_modules(tree)
    modules: set[str] = set()
    plugins: set[str] = set()
    fixtures = frozenset(FIXTURES)
    for path in [*files, *support_files(tree, files)][:MOST_FILES]:
        module = parse(read_text(tree, path))
        modules.update(name for name in unguarded_imports(module) if name not in own)
        fixtures -= list_function_names(module)
        plugins.update(MARKS[mark] for mark in marks(module) if mark in MARKS)
    for path in files[:MOST_FILES]:
        plugins.update(
            FIXTURES[name]
            for name in list_requested_fixtures(parse(read_text(tree, path)))
            if name in fixtures
        )
    return Used(modules=frozenset(modules), plugins=frozenset(plugins))


def support_files(tree: RepositoryTree, files: list[str]) -> list[str]:
    """Return the other Python files of folders that hold tests, and every conftest."""
    folders = {posixpath.dirname(path) for path in files if inner_folder(path)}
    return sorted(
        path
        for path in tree.paths.difference(files)
        if path.endswith(".py")
        and not ELSEWHERE.search(path)
        and (posixpath.dirname(path) in folders or path.endswith("conftest.py"))
    )


def own_modules(tree: RepositoryTree) -> frozenset[str]:
    """Return every name by which a file or folder of the tree could be imported."""
    found = set(sys.stdlib_module_names) | {"pytest", "_pytest", "__future__"}
    for path in tree.paths:
        if path.endswith((".py", ".pyx", ".so", ".pyi")) and not ELSEWHERE.search(path):
            folder, name = posixpath.split(path)
            found.add(name.split(".")[0])
            found.update(folder.split("/"))
    return frozenset(found)


def unguarded_imports(module: ast.Module) -> Iterator[str]:
    """Yield the top-level modules imported at module level, outside ``try`` and ``if``."""
    for node in module.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def list_function_names(module: ast.Module) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(module)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


def list_requested_fixtures(module: ast.Module) -> Iterator[str]:
    """Yield the argument names of test functions and fixtures, parametrised ones left out."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = decorators(node)
            if node.name.startswith("test") or "fixture" in given:
                yield from (a.arg for a in node.args.args if a.arg not in given)


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return " ".join(ast.unparse(each) for each in node.decorator_list)


def marks(module: ast.Module) -> Iterator[str]:
    """Yield the names of ``pytest.mark.NAME`` and ``mark.NAME``."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if getattr(owner, "attr", getattr(owner, "id", "")) == "mark":
                yield node.attr

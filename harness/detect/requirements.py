"""Requirements files: where they commonly lie, what they bring, which is about tests."""

from __future__ import annotations

import posixpath
import re

from harness.detect.model import Evidence, requirement_name
from harness.detect.tree import RepositoryTree, read_text

TESTS = re.compile(r"(?:^|[-_./])(?:unit)?(?:test|tests|testing|pytest)(?:$|[-_./])")
DEVELOPMENT = re.compile(r"(?:^|[-_./])(?:dev|devel|develop|development|ci)(?:$|[-_.])")
FOLDER = re.compile(r"^(?:[^/]+/)?(?:requirements?|reqs|deps|dependencies)$")
FOREIGN = re.compile(
    r"(?:^|/)(?:docs?|documentation|examples?|samples?|demos?|bench\w*|vendor(?:ed)?|_vendor|"
    r"third_party|extern(?:al)?|node_modules|site-packages|templates?|fixtures|data|test_?data|"
    r"resources|assets|notebooks?)/|[{}]"
)
"""Where requirements files belong to something else than the repository's own tests."""
HOMES = frozenset({"", "tests", "test", "ci", "dev", ".github", "tools"})

ALL_IN_ONE = 65
"""Score of a file that holds pytest and whose name says nothing of tests."""

DEVELOPING = 40
"""Score of a name that speaks of development at large."""


def candidates(tree: RepositoryTree) -> list[str]:
    """Return the requirements files of a tree, compiled ones instead of their sources."""
    found = {path for path in tree.paths if is_requirements(path)}
    return sorted(p for p in found if not (p.endswith(".in") and p[:-3] + ".txt" in found))


def is_requirements(path: str) -> bool:
    folder, name = posixpath.split(path)
    if not name.endswith((".txt", ".in", ".pip")) or FOREIGN.search(path):
        return False
    if FOLDER.match(folder):
        return True
    return "requirement" in name or path in ("dev.txt", "test.txt", "tests.txt")


def at_home(path: str) -> bool:
    """Say whether a file lies where a repository keeps the requirements of the whole."""
    folder = posixpath.dirname(path)
    return folder in HOMES or FOLDER.match(folder) is not None


def brings(tree: RepositoryTree, path: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names of the distributions a requirements file asks for, ``-r`` followed."""
    found: set[str] = set()
    for line in read_text(tree, path).splitlines():
        inner = re.match(r"\s*(?:-r|--requirement)[\s=]*(\S+)", line)
        if inner:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner[1]))
            if other not in seen:
                found |= brings(tree, other, seen | {path})
        elif name := requirement_name(line):
            found.add(name)
    return frozenset(found)


def is_complete(tree: RepositoryTree, path: str, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether a requirements file, and every file it includes, is in the tree."""
    if tree.read_file(path) is None:
        return False
    for line in read_text(tree, path).splitlines():
        inner = re.match(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", line)
        if inner and "://" not in inner[1]:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner[1]))
            if other not in seen and not is_complete(tree, other, seen | {path}):
                return False
    return True


def evidence(tree: RepositoryTree) -> list[Evidence]:
    """Return what requirements files say, the most test-like first."""
    found = []
    for path in candidates(tree):
        names = brings(tree, path)
        score = name_score(path)
        if "pytest" in names:
            score += 30 if score else ALL_IN_ONE
        score = score if at_home(path) else score // 2
        if score and is_complete(tree, path):
            found.append(Evidence(label=path, score=score, arguments=("-r", path), brings=names))
    return sorted(found, key=lambda e: (-e.score, e.label))


def name_score(path: str) -> int:
    """Return how much a file's or list's name speaks of tests."""
    stem = path.rsplit(".", 1)[0].lower() if path.endswith((".txt", ".in", ".pip")) else path
    if TESTS.search(stem):
        return 100
    return DEVELOPING if DEVELOPMENT.search(stem) else 0

"""Which files are a project's source, and which are its tests, by their paths alone."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

TEST_FOLDERS = frozenset({"test", "tests", "_tests", "unittests", "unit_tests"})
TEST_NAME = re.compile(r"^(test_.*|.*_tests?|tests?|conftest)\.py$")
OTHER_FOLDERS = frozenset(
    {
        "docs",
        "doc",
        "example",
        "examples",
        "benchmark",
        "benchmarks",
        "scripts",
        "tools",
        "ci",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)
BUILD_FILES = frozenset(
    {"setup.py", "noxfile.py", "tasks.py", "versioneer.py", "fabfile.py", "conf.py", "dodo.py"}
)


def is_test_path(path: str) -> bool:
    """Say whether a file belongs to the tests: by its own name, or a folder it lies in."""
    parts = PurePosixPath(path).parts
    return bool(TEST_FOLDERS.intersection(parts[:-1]) or TEST_NAME.match(parts[-1]))


def is_source_path(path: str) -> bool:
    """Say whether a file is source that bugs may be made in."""
    parts = PurePosixPath(path).parts
    if not path.endswith(".py") or is_test_path(path):
        return False
    if any(part.startswith(".") or part.endswith(".egg-info") for part in parts):
        return False
    return parts[0] not in OTHER_FOLDERS and not (len(parts) == 1 and parts[0] in BUILD_FILES)

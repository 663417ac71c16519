"""Which paths decide how tests run, and which would be imported in the place of others."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath

from syntax.paths import is_test_path

CONFIGURATION = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        ".coveragerc",
    }
)
"""Files that decide how tests run and nothing else, in any folder."""
SHARED = frozenset({"pyproject.toml", "setup.cfg", "tox.ini", "setup.py"})
"""Files that decide how tests run in some of their parts, in any folder."""
STARTED = frozenset({"sitecustomize", "usercustomize"})
"""Modules that Python imports as it starts."""
METADATA = (".egg-info", ".dist-info")
"""Ends of folders by which plugins are found."""
IMPORTABLE = frozenset({"", ".py", ".pyc", ".pyd", ".so"})
OF_PYTEST = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "py", "packaging", "pygments"})
STANDARD = frozenset(getattr(sys, "stdlib_module_names", None) or sys.builtin_module_names)


def is_protected(path: str) -> bool:
    """Say whether a file is a test's, or decides how tests run, as a whole."""
    return is_configuration(path) or is_loaded_by_itself(path) or is_test_path(path)


def is_decisive(path: str) -> bool:
    """Say whether a file decides how tests run, as a whole or in some of its parts."""
    return is_protected(path) or PurePosixPath(path).name in SHARED


def is_configuration(path: str) -> bool:
    """Say whether a file decides how tests run, and nothing else."""
    return PurePosixPath(path).name in CONFIGURATION


def is_loaded_by_itself(path: str) -> bool:
    """Say whether Python or pytest takes a file up with nobody asking for it.

    Compiled modules are taken for the source beside them.
    """
    place = PurePosixPath(path)
    if (
        place.suffix == ".pth"
        or "__pycache__" in place.parts
        or any(part.endswith(METADATA) for part in place.parts)
    ):
        return True
    return any(part.partition(".")[0] in STARTED for part in place.parts)


class ImportRoots:
    """The folders in which the modules lie that tests import at the top, and their names."""

    def __init__(self, paths: Iterable[str], test_files: Iterable[str]) -> None:
        self.paths = frozenset(paths)
        self.packages = frozenset(
            path.rpartition("/")[0] for path in self.paths if path.endswith("/__init__.py")
        )
        tops = {package for package in self.packages if parent(package) not in self.packages}
        self.folders = {"", *map(parent, tops), *map(self.base_of, test_files)}
        self.names = {PurePosixPath(package).name for package in tops} | {
            PurePosixPath(path).stem
            for path in self.paths
            if parent(path) in self.folders and path.endswith(".py")
        }

    def base_of(self, path: str) -> str:
        """Return the folder from which pytest imports a module of tests."""
        folder = parent(path)
        while folder in self.packages:
            folder = parent(folder)
        return folder

    def top_names(self, path: str) -> Iterator[str]:
        """Yield the names by which a new file is imported at the top, where nothing was before."""
        if PurePosixPath(path).suffix not in IMPORTABLE:
            return  # A link to a folder has no suffix.
        for folder in self.folders:
            if not folder or path.startswith(folder + "/"):
                inner = path[len(folder) + 1 if folder else 0 :]
                name = inner.partition("/")[0].partition(".")[0]
                if not self.is_known(folder, name):
                    yield name

    def is_taken(self, name: str, installed: Collection[str]) -> bool:
        """Say whether a module of this name is to be had from elsewhere."""
        return name in STANDARD or name in OF_PYTEST or name in installed or name in self.names

    def is_known(self, folder: str, name: str) -> bool:
        """Say whether a folder has held a module or folder of this name."""
        start = f"{folder}/{name}" if folder else name
        return start + ".py" in self.paths or any(
            path.startswith(start + "/") for path in self.paths
        )


def parent(path: str) -> str:
    """Return the folder that a path lies in; empty for the top."""
    return path.rpartition("/")[0]

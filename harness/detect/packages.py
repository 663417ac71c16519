"""Find the package to test in a repository that holds it in a folder: a monorepo."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.detect.config import Overrides
from harness.detect.facts import read_project
from harness.detect.pytest_config import read_pytest_config
from harness.detect.suites import ELSEWHERE, suite_files
from harness.detect.tree import RepositoryTree
from storage.errors import EnvironmentFailed
from storage.records import FOLDER
from storage.source_names import read_subdirectory

PACKAGING = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
REQUIREMENTS = re.compile(r"[\w.-]*requirements?[\w.-]*\.(?:txt|in)|Pipfile|tox\.ini|noxfile\.py")
SHOWN = 12


@dataclass(frozen=True)
class Subtree:
    """The files of a tree below a folder, as a tree of its own."""

    tree: RepositoryTree
    folder: str

    @property
    def paths(self) -> frozenset[str]:
        start = f"{self.folder}/"
        found = (path for path in self.tree.paths if path.startswith(start))
        return frozenset(path.removeprefix(start) for path in found)

    def read_file(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""
        return self.tree.read_file(f"{self.folder}/{path}")


def enter_folder(
    tree: RepositoryTree, overrides: Overrides, source: str
) -> tuple[RepositoryTree, Overrides]:
    """Return the tree of the package to test, and what a person decided with its folder in it.

    ``source`` is what a person named, maybe with the folder. Raises EnvironmentFailed where there
    are several.
    """
    folder = (
        read_subdirectory(source) or overrides.subdirectory or dict(overrides.env).get(FOLDER, "")
    )
    if folder and not any(path.startswith(f"{folder}/") for path in tree.paths):
        raise EnvironmentFailed(f"no-folder: {source} holds no folder {folder!r}{hint(tree)}")
    if not folder and overrides.install is None and not is_project(tree):
        folder = choose_folder(tree, source)
    if not folder:
        return tree, overrides
    env = {**dict(overrides.env), FOLDER: folder}
    return Subtree(tree, folder), replace(overrides, env=tuple(sorted(env.items())))


def is_project(tree: RepositoryTree) -> bool:
    """Say whether the root itself is something to install or test."""
    if any("/" not in path and REQUIREMENTS.fullmatch(path) for path in tree.paths):
        return True
    files, _ = suite_files(tree, read_pytest_config(tree))
    own = [path for path in files if not is_below(path, list_folders(tree))]
    return bool(own) or read_project(tree).installable


def choose_folder(tree: RepositoryTree, source: str) -> str:
    """Return the one folder that holds packaging and tests, empty where none does."""
    folders = [name for name, tests in find_packages(tree).items() if tests]
    if len(folders) > 1:
        raise EnvironmentFailed(
            f"several-packages: {source} holds {len(folders)} packages with tests, and none at its "
            f"root; name one as SOURCE#subdirectory=FOLDER: {name_some(folders)}"
        )
    return folders[0] if folders else ""


def find_packages(tree: RepositoryTree) -> Mapping[str, int]:
    """Return folder → number of files with tests, of each that holds packaging."""
    found: dict[str, int] = {}
    for folder in list_folders(tree):
        below = Subtree(tree, folder)
        if not ELSEWHERE.search(f"{folder}/") and read_project(below).installable:
            found[folder] = len(suite_files(below, read_pytest_config(below))[0])
    return found


def list_folders(tree: RepositoryTree) -> list[str]:
    """Return the folders below the root with files of packaging, those inside others left out."""
    folders = sorted(
        {posixpath.dirname(path) for path in tree.paths if posixpath.basename(path) in PACKAGING}
    )
    outer: list[str] = []
    for folder in filter(None, folders):
        if not is_below(f"{folder}/", outer):
            outer.append(folder)
    return outer


def is_below(path: str, folders: list[str]) -> bool:
    """Say whether a path is in one of the folders."""
    return any(path.startswith(f"{folder}/") for folder in folders)


def hint(tree: RepositoryTree) -> str:
    """Name the folders that could have been meant."""
    folders = list(find_packages(tree))
    return f"; packages are in {name_some(folders)}" if folders else ""


def name_some(folders: list[str]) -> str:
    """Name the first folders, and say how many follow."""
    more = f" and {len(folders) - SHOWN} more" if len(folders) > SHOWN else ""
    return ", ".join(folders[:SHOWN]) + more

"""What a solver sees, and what of a solver's patch counts when it is graded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from storage.errors import StoreError
from storage.records import Bug
from storage.sources import COMMIT_MESSAGE
from storage.trees import Trees
from syntax.patch_text import apply_patch
from syntax.paths import is_test_path

CONFIGURATION = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
        "sitecustomize.py",
        "usercustomize.py",
    }
)
"""Files that decide how tests run, in any folder: always those of the start state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartState:
    """The files with the bug, as a tree, and the one commit that holds it."""

    tree: str
    commit: str


def start_commit(trees: Trees, bug: Bug, test_patch: str = "") -> StartState:
    """Return where a solver starts: an orphan commit of the tree with the bug in it.

    Without the tests that ``test_patch`` brings back. The same bug gives the same commit on any
    machine. Raises StoreError when the patch does not give the files that the bug was judged with.
    """
    changed = broken_files(trees, bug) | hidden_files(trees, bug, test_patch)
    modes = {change.path: change.mode for change in bug.changes}
    tree = trees.with_changes(bug.tree, changed, modes)
    return StartState(tree=tree, commit=trees.orphan_commit(tree, COMMIT_MESSAGE))


def broken_files(trees: Trees, bug: Bug) -> dict[str, bytes | None]:
    """Return the content of every file that the bug changes; None where it deletes one."""
    changed = apply_patch(bug.patch, lambda path: trees.read_file(bug.tree, path))
    expected = {change.path: change.sha256 for change in bug.changes}
    if {path: _sha256(content) for path, content in changed.items()} != expected:
        raise StoreError(f"bug {bug.id}: its patch gives other files than were judged; forge again")
    return changed


def hidden_files(trees: Trees, bug: Bug, test_patch: str) -> dict[str, bytes | None]:
    """Return the files of tests as a solver sees them, those that lack some."""
    if not test_patch:
        return {}
    return apply_patch(test_patch, lambda path: trees.read_file(bug.tree, path), reverse=True)


def check_out(trees: Trees, bug: Bug, dest: Path, test_patch: str = "") -> StartState:
    """Write the start state as a git repository of one commit and no remote."""
    start = start_commit(trees, bug, test_patch)
    trees.checkout(start.commit, dest)
    return start


def bundle(
    trees: Trees, bug: Bug, file: Path, *, branch: str = "main", test_patch: str = ""
) -> StartState:
    """Write the start state as a git bundle with one branch."""
    start = start_commit(trees, bug, test_patch)
    trees.bundle(start.commit, file, branch)
    return start


def grading_files(
    read: Callable[[str], bytes | None], patch: str, *, tests: Iterable[str] = ()
) -> dict[str, bytes | None]:
    """Return the files to write over the start state to grade a patch; None deletes.

    ``read`` gives a file of the start state, ``tests`` are the ids of the tests to be run.
    Test files and pytest configuration stay as they are at the start, also where the patch
    adds new ones. Raises PatchError when the patch does not apply.
    """
    if not patch.strip():
        return {}
    held = files_of_tests(tests)
    changed = apply_patch(patch, read)
    return {
        path: content
        for path, content in changed.items()
        if path not in held and not is_protected(path)
    }


def files_of_tests(tests: Iterable[str]) -> frozenset[str]:
    """Return the files that hold tests, by the tests' ids.

    The examples in a module's docstrings do not make it one: it is what a solver has to change.
    """
    return frozenset(test.partition("::")[0] for test in tests if not is_doctest(test))


def is_doctest(test: str) -> bool:
    """Say whether an id is of a docstring's examples: named by module, not by function.

    So pytest names them, as ``src/shop/cart.py::shop.cart.Cart.total``.
    """
    path, _, name = test.partition("::")
    if not path.endswith(".py"):
        return False
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    modules = [".".join(parts[first:]) for first in range(len(parts))]
    whole = name in modules and ("." in name or len(parts) == 1)
    return whole or any(name.startswith(f"{module}.") for module in modules)


def is_protected(path: str) -> bool:
    """Say whether a path is a test's, or decides how tests run."""
    place = PurePosixPath(path)
    if place.name in CONFIGURATION or place.suffix == ".pth":
        return True
    return is_test_path(path)


def _sha256(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()

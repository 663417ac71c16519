"""What a solver sees: the files with the bug in them, as one commit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StoreError
from storage.records import Bug
from storage.sources import COMMIT_MESSAGE
from storage.trees import Trees
from syntax.patch_text import apply_patch
from syntax.patches import unified_diff


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


def fix_patch(trees: Trees, bug: Bug) -> str:
    """Return the known fix as a solver would hand it in: the patch from the start state."""
    broken = broken_files(trees, bug)
    unbroken = trees.read_all(bug.tree, broken)
    modes = trees.paths(bug.tree)
    of_bug = {change.path: change.mode for change in bug.changes}
    return "".join(
        unified_diff(
            path,
            broken[path],
            unbroken.get(path),
            mode=modes.get(path) or of_bug[path],
            old_mode=of_bug[path] or None,
        )
        for path in sorted(broken)
    )


def _sha256(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()

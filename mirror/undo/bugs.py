"""An undone fix as a bug."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mirror.undo.fixes import Fix
from mirror.undo.results import Undo
from storage.records import Bug, FileChange, Origin
from syntax.intake.intake import IntakeReference, take_in
from syntax.marked import first_changed_line
from syntax.patches import unified_diff


def bug_of(
    tree: str,
    fix: Fix,
    undo: Undo,
    files: Mapping[str, bytes],
    modes: Mapping[str, str],
    *,
    pull: int = 0,
    tier: str = "",
    model: str = "",
    tests: tuple[str, ...] = (),
) -> Bug:
    """Return the bug that undoing a fix makes of a tree whose ``files`` are given.

    ``tier`` and ``model`` are given where a language model undid it. ``tests`` are ids: what stands
    in the code of these is today's, as are files of tests.
    """
    patches, changes = [], []
    undone = keep_tests(undo.files, files, tests)
    for path in sorted(undone):
        content, mode = undone[path], modes.get(path, "100644")
        patches.append(unified_diff(path, files.get(path), content, mode=mode))
        digest = "" if content is None else hashlib.sha256(content).hexdigest()
        changes.append(
            FileChange(path=path, mode=mode if content is not None else "", sha256=digest)
        )
    patch = "".join(patches)
    origin = Origin(
        strategy="mirror",
        operator=tier or undo.tier or "",
        path=min(undone),
        entity=next(iter(undo.entities), ""),
        line=first_changed_line(patch),
        commit=fix.commit,
        pull=pull,
        undone=round(undo.undone, 3),
        model=model,
    )
    return Bug(tree=tree, patch=patch, changes=tuple(changes), origin=origin)


def keep_tests(
    undone: Mapping[str, bytes | None], files: Mapping[str, bytes], tests: tuple[str, ...]
) -> Mapping[str, bytes | None]:
    """Return the undone files with today's tests and examples in them.

    Where nothing else was undone they stay as they are, and are refused by name.
    """
    reference = IntakeReference(files.get, frozenset(files), tests, frozenset(undone))
    return take_in(reference, undone).files or undone

"""An undone fix as a bug."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mirror.undo.fixes import Fix
from mirror.undo.results import Undo
from storage.records import Bug, FileChange, Origin
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
) -> Bug:
    """Return the bug that undoing a fix makes of a tree whose ``files`` are given.

    ``tier`` and ``model`` are given where a language model undid it.
    """
    patches, changes = [], []
    for path in sorted(undo.files):
        content, mode = undo.files[path], modes.get(path, "100644")
        patches.append(unified_diff(path, files.get(path), content, mode=mode))
        digest = "" if content is None else hashlib.sha256(content).hexdigest()
        changes.append(
            FileChange(path=path, mode=mode if content is not None else "", sha256=digest)
        )
    patch = "".join(patches)
    origin = Origin(
        strategy="mirror",
        operator=tier or undo.tier or "",
        path=min(undo.files),
        entity=next(iter(undo.entities), ""),
        line=first_changed_line(patch),
        commit=fix.commit,
        pull=pull,
        undone=round(undo.undone, 3),
        model=model,
    )
    return Bug(tree=tree, patch=patch, changes=tuple(changes), origin=origin)

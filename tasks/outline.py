"""Which functions and classes a patch touches, told by the patch alone."""

from __future__ import annotations

from storage.errors import PatchError
from syntax.marked import DEFINITION, MarkedHunk, marked_hunks
from syntax.paths import is_test_path


def find_touched_places(patch: str) -> frozenset[tuple[str, str]]:
    """Return path and name of what a patch changes in code; the name is empty where none is told.

    The name is that of the last definition before the change: in the hunk, or in its heading,
    where git puts one. Tests are left out; a patch that cannot be read touches nothing.
    """
    try:
        hunks = marked_hunks(patch)
    except PatchError:
        return frozenset()
    return frozenset(
        (hunk.path, name) for hunk in hunks if not is_test_path(hunk.path) for name in names(hunk)
    )


def is_readable(patch: str) -> bool:
    """Say whether all hunks of a patch can be read."""
    try:
        marked_hunks(patch)
    except PatchError:
        return False
    return True


def names(hunk: MarkedHunk) -> set[str]:
    """Return the names of the definitions that a hunk's changed lines stand in."""
    heading = DEFINITION.match(hunk.heading)
    name = heading[1] if heading else ""
    found: set[str] = set()
    for mark, text in hunk.lines:
        if defined := DEFINITION.match(text):
            name = defined[1]
        if mark != " ":
            found.add(name)
    return found

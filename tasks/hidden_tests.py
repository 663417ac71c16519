"""Hide the tests that came with a fix from the one who is to solve the bug."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from syntax.cuts import without_definitions
from syntax.patches import unified_diff


def test_patch(
    read: Callable[[str], bytes | None], failing: Iterable[str], files: Collection[str]
) -> str:
    """Return the patch that brings back the failing tests of ``files``, once they are hidden.

    ``failing`` are pytest ids. Whole functions are hidden, with all their parameters. Tests that
    are not written out where their id says (inherited, generated) stay visible.
    """
    named: dict[str, set[str]] = {}
    for test in failing:
        path, _, name = test.partition("::")
        if path in files and name:
            plain = name.partition("[")[0]
            named.setdefault(path, set()).add(plain.replace("::", "."))
    patches = []
    for path in sorted(named):
        whole = read(path)
        hidden = None if whole is None else without_definitions(whole, named[path])
        if hidden is not None:
            patches.append(unified_diff(path, hidden, whole))
    return "".join(patches)

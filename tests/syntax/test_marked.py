"""Reading a diff: every line with its mark, whatever it looks like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syntax.marked import marked_hunks
from syntax.patches import unified_diff

LINES = st.lists(st.sampled_from(["a", "b", "", "-- x", "++ y", "@@ -1 +1 @@", "diff --git"]))


@given(old=LINES, new=LINES, ends=st.booleans())
def test_added_and_removed_lines_are_those_of_the_files(
    old: list[str], new: list[str], ends: bool
) -> None:
    before, after = ("\n".join(side) + "\n" * (ends and bool(side)) for side in (old, new))
    hunks = marked_hunks(unified_diff("a b.py", before.encode(), after.encode()))
    count = sum(len(h.having("+")) - len(h.having("-")) for h in hunks)
    assert count == after.count("\n") - before.count("\n") + (
        (bool(after) and not after.endswith("\n")) - (bool(before) and not before.endswith("\n"))
    )
    assert {h.path for h in hunks} <= {"a b.py"}
    for hunk in hunks:
        assert set(hunk.having("+")) <= set(new)
        assert set(hunk.having("-")) <= set(old)


def test_hunks_know_what_is_around_and_which_file_they_change() -> None:
    diff = (
        "diff --git a/x.png b/x.png\nBinary files a/x.png and b/x.png differ\n"
        "diff --git a/old.py b/new.py\nsimilarity index 90%\nrename from old.py\n"
        "rename to new.py\n--- a/old.py\n+++ b/new.py\n"
        "@@ -3 +3,2 @@ def load(path):\n-    one\n+    two\n+    three\n"
        "\\ No newline at end of file\n"
        "diff --git a/gone.py b/gone.py\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
    )
    first, second = marked_hunks(diff)
    assert (first.path, first.heading) == ("new.py", "def load(path):")
    assert first.lines == (("-", "    one"), ("+", "    two"), ("+", "    three"))
    assert (second.path, second.having("-")) == ("gone.py", ["gone"])

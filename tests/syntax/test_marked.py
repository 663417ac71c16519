"""Reading a diff: every line with its mark, whatever it looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import PatchError
from syntax.marked import first_changed_line, marked_hunks
from syntax.patches import unified_diff

LINES = st.lists(st.sampled_from(["a", "b", "", "-- x", "++ y", "@@ -1 +1 @@", "diff --git"]))


@given(old=LINES, new=LINES, ends=st.booleans())
def test_added_and_removed_lines_are_those_of_the_files(
    old: list[str], new: list[str], ends: bool
) -> None:
    before, after = ("\n".join(side) + "\n" * (ends and bool(side)) for side in (old, new))
    hunks = marked_hunks(unified_diff("a b.py", before.encode(), after.encode()))
    count = sum(len(h.select_lines("+")) - len(h.select_lines("-")) for h in hunks)
    assert count == after.count("\n") - before.count("\n") + (
        (bool(after) and not after.endswith("\n")) - (bool(before) and not before.endswith("\n"))
    )
    assert {h.path for h in hunks} <= {"a b.py"}
    for hunk in hunks:
        assert set(hunk.select_lines("+")) <= set(new)
        assert set(hunk.select_lines("-")) <= set(old)


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
    assert (second.path, second.select_lines("-")) == ("gone.py", ["gone"])


@pytest.mark.parametrize("path", ["a b/c.py", "x b/y b/z.py", "caf\u00e9 \t.py", 'q".py', "a b.py"])
def test_marked_hunks_names_any_path(path: str) -> None:
    [hunk] = marked_hunks(unified_diff(path, b"x\n", b"y\n"))

    assert (hunk.path, hunk.lines) == (path, (("-", "x"), ("+", "y")))


def test_marked_hunks_takes_a_diff_whose_last_blank_lines_were_stripped() -> None:
    diff = unified_diff("a.py", b"x\n\n\nz\n", b"y\n\n\nz\n").removesuffix(" z\n").rstrip()

    assert marked_hunks(diff)[0].select_lines("-+") == ["x", "y"]


@pytest.mark.parametrize(
    "body", ["@@ -1,9 +1,9 @@\n-x\n+y\n z\n+1\n", "@@ -1 +1 @@\n-x\n?\n", "@@ -1 +1 @@\n-x\n-y\n"]
)
def test_malformed_diff_is_refused_in_one_line(body: str) -> None:
    with pytest.raises(PatchError, match=r"the patch is malformed: Hunk .*") as error:
        marked_hunks(f"--- a/a.py\n+++ b/a.py\n{body}")

    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"1\n2\n3\n4\n5\n6\n", b"1\n2\n3\n4\n5\nsix\n", 6),
        (b"-- 1\n2\n", b"2\n", 1),
        (b"1\n2\n", b"1\nnew\n2\n", 2),
        (None, b"", 1),
    ],
)
def test_first_changed_line_counts_from_one(old: bytes | None, new: bytes, line: int) -> None:
    assert first_changed_line(unified_diff("a.py", old, new)) == line

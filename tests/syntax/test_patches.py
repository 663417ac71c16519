"""Patches are held to git itself: what we write it applies both ways, as we do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import PatchError
from syntax.patch_text import apply_patch, touched_paths
from syntax.patches import encode, splice_diff, unified_diff
from syntax.text import Text

LINES = st.lists(
    st.sampled_from(
        [b"a\n", b"b\n", b"c\r\n", b"\n", b"\x0cform\n", "é\n".encode(), b"\xff\xfe\n", b"d\re\n"]
    ),
    max_size=14,
)
FILES = st.builds(lambda lines, tail: b"".join(lines) + tail, LINES, st.sampled_from([b"", b"end"]))
BYTES = st.builds(b"".join, st.lists(st.sampled_from([b"x", b"\n", b"\r\n", b"yy\n"]), max_size=6))
often = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work")
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


def git_apply(folder: Path, patch: str, *, reverse: bool = False) -> None:
    words = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn"]
    subprocess.run(
        [*words, *(["-R"] if reverse else []), "-"],
        cwd=folder,
        input=encode(patch),
        check=True,
        capture_output=True,
    )


@often
@given(old=FILES, new=FILES)
def test_git_applies_what_is_written_both_ways(folder: Path, old: bytes, new: bytes) -> None:
    patch = unified_diff("some file.py", old, new)
    file = folder / "some file.py"
    file.write_bytes(old)
    if patch:
        git_apply(folder, patch)
        assert file.read_bytes() == new
        git_apply(folder, patch, reverse=True)
    assert file.read_bytes() == old


@often
@given(old=FILES, new=FILES)
def test_applying_and_undoing_gives_back_the_bytes(old: bytes, new: bytes) -> None:
    patch = unified_diff("a.py", old, new)

    assert apply_patch(patch, {"a.py": old}.get).get("a.py", old) == new
    assert apply_patch(patch, {"a.py": new}.get, reverse=True).get("a.py", new) == old


@often
@given(old=FILES, start=st.integers(0, 60), length=st.integers(0, 12), replacement=BYTES)
def test_a_splice_does_what_the_whole_files_diff_does(
    folder: Path, old: bytes, start: int, length: int, replacement: bytes
) -> None:
    start = min(start, len(old))
    end = min(start + length, len(old))
    new = old[:start] + replacement + old[end:]

    patch = splice_diff("ä.py", Text.of(old), start, end, replacement)

    assert bool(patch) == (old != new)
    assert apply_patch(patch, {"ä.py": old}.get).get("ä.py", old) == new
    if patch:
        (folder / "ä.py").write_bytes(old)
        git_apply(folder, patch)
        assert (folder / "ä.py").read_bytes() == new
        git_apply(folder, patch, reverse=True)
        assert (folder / "ä.py").read_bytes() == old


@pytest.mark.parametrize("path", ["new file.py", 'quo"te.py', "tab\there.py", "dir/ünï.py"])
def test_files_come_and_go_under_any_name(folder: Path, path: str) -> None:
    created = unified_diff(path, None, b"a = 1\n")
    git_apply(folder, created)
    assert (folder / path).read_bytes() == b"a = 1\n"

    deleted = unified_diff(path, b"a = 1\n", None)
    git_apply(folder, deleted)

    assert not (folder / path).exists()
    assert apply_patch(created, {}.get) == {path: b"a = 1\n"}
    assert apply_patch(deleted, {path: b"a = 1\n"}.get) == {path: None}
    assert touched_paths(created) == (path,)


def test_a_rename_that_git_writes_is_followed() -> None:
    patch = (
        "diff --git a/old.py b/new.py\nsimilarity index 90%\nrename from old.py\nrename to new.py\n"
        "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@\n-a\n+b\n"
    )

    assert apply_patch(patch, {"old.py": b"a\n"}.get) == {"old.py": None, "new.py": b"b\n"}


def test_two_names_are_a_rename_though_nothing_says_so() -> None:
    patch = (
        "diff --git a/old.py b/new.py\nindex 1111111..2222222 100644\n"
        "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@\n-a\n+b\n"
    )

    assert apply_patch(patch, {"old.py": b"a\n"}.get) == {"old.py": None, "new.py": b"b\n"}


@pytest.mark.parametrize(
    "path", ["../up.py", "/etc/passwd", ".git/hooks/pre-commit", "a/../../b", "a/.git/config"]
)
def test_a_path_outside_the_tree_is_refused(path: str) -> None:
    patch = f"--- a/{path}\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"

    with pytest.raises(PatchError, match="outside"):
        apply_patch(patch, {}.get)


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ("no patch at all", "names no file"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-other\n+b\n", "does not apply to a.py"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1,9 +1 @@\n-a\n", "shorter than its header"),
        ("--- a/a.py\n+++ b/a.py\n@@ one @@\n", "names no file"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n@@ -x @@\n", "a hunk header"),
        ("--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-a\n+b\n", "b.py, which does not exist"),
        ("--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+b\n", "exists already"),
        ("diff --git a/a b/a\nindex 1..2 100644\nGIT binary patch\n", "binary"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(patch: str, told: str) -> None:
    with pytest.raises(PatchError, match=told) as refused:
        apply_patch(patch, {"a.py": b"a\n"}.get)

    assert "\n" not in str(refused.value)


def test_what_lies_far_between_two_changed_lines_is_left_out() -> None:
    data = b"".join(b"line %d\n" % number for number in range(40))
    text = Text.of(data)
    start, end = data.index(b"line 2\n"), data.index(b"line 31\n")
    replaced = data[start:end].replace(b"line 2\n", b"other\nmore\n").replace(b"line 30\n", b"")

    patch = splice_diff("a.txt", text, start, end, replaced)

    assert patch.count("@@ -") == 2
    assert len(patch.splitlines()) < 25
    assert apply_patch(patch, {"a.txt": data}.get) == {
        "a.txt": data[:start] + replaced + data[end:]
    }


def test_half_a_character_is_a_patch_error() -> None:
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+\ud83d\n"

    for call in (lambda: encode(patch), lambda: apply_patch(patch, {"a.py": b"a\n"}.get)):
        with pytest.raises(PatchError, match=r"half a character \(U\+D83D\)"):
            call()

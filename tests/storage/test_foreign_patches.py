"""What foreign patches make of a tree: as git takes them, else as the field's harness does."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import patch_program
from storage.errors import PatchError
from storage.foreign_patches import apply_foreign_patch
from storage.git import git
from storage.patched_trees import apply_by_git
from storage.trees import Trees
from tests.storage.checkouts import make_checkout

CORE = b"""import os


def total(items):
    result = 0
    for item in items:
        result += 1
    return result


LIMIT = 3

"""
FIXED = CORE.replace(b"result += 1", b"result += item")
FILES = {
    "src/core.py": CORE,
    "run.sh": b"#!/bin/sh\n",
    "logo.png": b"\x89PNG\0\1",
    "crlf.txt": b"a\r\nb\r\n",
}
SHOT = "GIT binary patch\nliteral 7\nOcmeAS@N?(olHy`uVBq!ia0)L70000\n"


class Work:
    """A checkout, and the stored tree of its commit."""

    def __init__(self, folder: Path) -> None:
        self.checkout = make_checkout(folder / "work", FILES)
        self.trees = Trees(folder / "cache")
        self.tree = self.trees.snapshot(self.checkout)

    def write(self, path: str, content: bytes) -> None:
        (self.checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (self.checkout / path).write_bytes(content)

    def diff(self, *options: str) -> bytes:
        """Return the difference to the commit, and go back to it."""
        git("add", "--all", cwd=self.checkout)
        made = git("diff", "--cached", *options, cwd=self.checkout)
        git("reset", "--quiet", "--hard", cwd=self.checkout)
        return made


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_apply_takes_what_git_takes(work: Work) -> None:
    work.write("src/core.py", FIXED)
    work.write("src/extra/__init__.py", b"")
    work.write("logo.png", b"\x89PNG\0\2")
    (work.checkout / "run.sh").chmod(0o755)
    (work.checkout / "link").symlink_to("src")
    (work.checkout / "crlf.txt").unlink()
    patch = work.diff("--binary")

    made = apply_foreign_patch(work.trees, work.tree, patch)

    assert made.files == {
        "src/core.py": FIXED,
        "src/extra/__init__.py": b"",
        "logo.png": b"\x89PNG\0\2",
        "run.sh": b"#!/bin/sh\n",
        "link": b"src",
        "crlf.txt": None,
    }
    assert made.modes == {
        "src/core.py": "100644",
        "src/extra/__init__.py": "100644",
        "logo.png": "100644",
        "run.sh": "100755",
        "link": "120000",
    }
    assert made.notes == ()
    assert work.trees.read_file(made.tree, "src/core.py") == FIXED


def test_apply_of_white_space_changes_nothing(work: Work) -> None:
    made = apply_foreign_patch(work.trees, work.tree, b" \n\n")

    assert (made.tree, made.files, made.notes) == (work.tree, {}, ())


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        (b"no patch at all\n", "names no file"),
        (
            b"--- a/src/core.py\n+++ b/src/core.py\n@@ -1 +1 @@\n-x\n+y\n",
            "apply to src/core.py at line 1",
        ),
        (b"--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-x\n+y\n", "no.py, which does not exist"),
        (b"--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1 @@\n+y\n", "run.sh, which exists already"),
        (b"--- a/src/core.py\n+++ b/src/core.py\n@@ -1,9 +1,2 @@\n-x\n", "malformed at its line"),
        (b"--- /dev/null\n+++ b/../up.py\n@@ -0,0 +1 @@\n+y\n", "outside"),
        (b"--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+y\n", "outside"),
        (
            b"diff --git a/x b/x\nnew file mode 100644\nGIT binary patch\nliteral 9\nzz\n",
            "malformed",
        ),
    ],
)
def test_a_refusal_is_one_readable_line(work: Work, patch: bytes, told: str) -> None:
    with pytest.raises(PatchError, match=told) as refused:
        apply_foreign_patch(work.trees, work.tree, patch)

    assert "\n" not in str(refused.value)


def test_a_path_beyond_a_link_is_refused(work: Work) -> None:
    (work.checkout / "link").symlink_to("/tmp")
    link = work.diff()
    inside = b"--- /dev/null\n+++ b/link/x\n@@ -0,0 +1 @@\n+x\n"

    with pytest.raises(PatchError, match="beyond a symbolic link"):
        apply_foreign_patch(work.trees, work.tree, link + inside)


def test_a_binary_patch_of_any_size_is_refused(work: Work) -> None:
    patch = f"diff --git a/x b/x\nnew file mode 100644\n{SHOT}\n".replace("al 7", "al 4000000000")

    with pytest.raises(PatchError):
        apply_foreign_patch(work.trees, work.tree, patch.encode())


@pytest.mark.parametrize("is_blank_last", [True, False])
def test_a_stripped_patch_is_completed(work: Work, is_blank_last: bool) -> None:
    content = FIXED if is_blank_last else FIXED.replace(b"LIMIT = 3\n\n", b"LIMIT = 3\nMORE = 1\n")
    if not is_blank_last:
        work.write("src/core.py", content)
        work.diff()
    work.write("src/core.py", content)
    patch = work.diff().strip()

    made = apply_foreign_patch(work.trees, work.tree, patch)

    assert made.files == {"src/core.py": content}
    assert [("missing at its end" in note or "line feed" in note) for note in made.notes] == [True]
    with pytest.raises(PatchError):
        apply_by_git(work.trees, work.tree, patch)


def test_binary_sections_without_data_are_left_out_and_named(work: Work) -> None:
    work.write("src/core.py", FIXED)
    work.write("shots/one shot.png", b"\x89PNG\0\3")
    work.write("logo.png", b"\x89PNG\0\3")
    patch = work.diff()

    made = apply_foreign_patch(work.trees, work.tree, patch)

    assert made.files == {"src/core.py": FIXED}
    assert made.notes == ("changes without data left out: logo.png, shots/one shot.png",)


def test_a_patch_of_nothing_but_dataless_binaries_changes_nothing(work: Work) -> None:
    work.write("logo.png", b"\x89PNG\0\3")

    made = apply_foreign_patch(work.trees, work.tree, work.diff().strip())

    assert (made.tree, made.files) == (work.tree, {})
    assert "logo.png" in made.notes[-1]


@pytest.mark.parametrize("old", [b"", b"1" * 40])
def test_submodules_are_left_out_and_named(work: Work, old: bytes) -> None:
    gitlink = (
        b"diff --git a/vendor/lib b/vendor/lib\n"
        + (b"index %s..%s 160000\n" % (old, b"2" * 40) if old else b"new file mode 160000\n")
        + (b"--- a/vendor/lib\n" if old else b"--- /dev/null\n")
        + b"+++ b/vendor/lib\n"
        + (b"@@ -1 +1 @@\n-Subproject commit %s\n" % old if old else b"@@ -0,0 +1 @@\n")
        + b"+Subproject commit %s\n" % (b"2" * 40)
    )
    work.write("src/core.py", FIXED)

    made = apply_foreign_patch(work.trees, work.tree, gitlink + work.diff())

    assert made.files == {"src/core.py": FIXED}
    assert "vendor/lib" in made.notes[0]
    assert "vendor/lib" not in work.trees.paths(made.tree)


@pytest.mark.parametrize("path", ["src/core.py", "crlf.txt"])
def test_a_patch_with_windows_line_ends_applies(work: Work, path: str) -> None:
    after = FILES[path].replace(b"1", b"item").replace(b"b\r", b"c\r")
    work.write(path, after)
    patch = work.diff().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    made = apply_foreign_patch(work.trees, work.tree, patch)

    assert made.files == {path: after}
    # Where the file has them itself, git takes it as it is.
    assert made.notes == (() if path == "crlf.txt" else ("its line ends were converted from CRLF",))


@pytest.mark.parametrize("options", [("--no-prefix",), ("-U0",), ("--no-prefix", "-U0")])
def test_patches_without_prefix_or_context_apply_and_say_so(
    work: Work, options: tuple[str, ...]
) -> None:
    work.write("src/core.py", FIXED)
    work.write("src/more.py", b"x = 1\n")

    made = apply_foreign_patch(work.trees, work.tree, work.diff(*options))

    assert made.files == {"src/core.py": FIXED, "src/more.py": b"x = 1\n"}
    assert len(made.notes) == len(options)


def test_mnemonic_prefixes_and_a_mails_garbage_are_gits_own_business(work: Work) -> None:
    work.write("src/core.py", FIXED)
    patch = b"From: a\nSubject: b\n\n---\n" + work.diff("--src-prefix=i/", "--dst-prefix=w/")

    made = apply_foreign_patch(work.trees, work.tree, patch + b"-- \n2.39\n\n")

    assert (made.files, made.notes) == ({"src/core.py": FIXED}, ())


def test_patch_places_what_git_does_not_and_it_is_said(work: Work) -> None:
    work.write("src/core.py", FIXED)
    (work.checkout / "run.sh").chmod(0o755)
    work.write("shot.png", b"\x89PNG\0\3")
    work.write("src/extra/__init__.py", b"")
    patch = work.diff("--binary").replace(b"     result = 0\n", b"     result = None\n")

    made = apply_foreign_patch(work.trees, work.tree, patch)

    assert made.files == {
        "src/core.py": FIXED,
        "run.sh": b"#!/bin/sh\n",
        "shot.png": b"\x89PNG\0\3",
        "src/extra/__init__.py": b"",
    }
    assert made.modes["run.sh"] == "100755"
    assert made.notes == ("git refused it; patch(1) applied it with fuzz 2",)


def test_patch_runs_no_ed_script(work: Work) -> None:
    mark = work.checkout / "mark"
    script = f"--- a/src/core.py\n+++ b/src/core.py\n1a\n!touch {mark}\n.\nw\n".encode()
    for patch in (script, b"diff --git a/src/core.py b/src/core.py\n" + script, script[40:]):
        with pytest.raises(PatchError):
            apply_foreign_patch(work.trees, work.tree, patch)

    assert not mark.exists()


def test_a_missing_patch_program_is_said(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_program.shutil, "which", lambda name: None)

    with pytest.raises(PatchError, match=r"line 1; patch\(1\), .* is not installed"):
        apply_foreign_patch(
            work.trees, work.tree, b"--- a/src/core.py\n+++ b/src/core.py\n@@ -1 +1 @@\n-x\n+y\n"
        )


def test_lines_that_git_puts_at_the_end_for_want_of_context_are_noted(work: Work) -> None:
    work.write("src/core.py", CORE.replace(b"= 0\n", b"= 0\n    more = 1\n"))

    made = apply_foreign_patch(work.trees, work.tree, work.diff("-U0"))

    assert made.files == {"src/core.py": CORE + b"    more = 1\n"}
    assert "at the end of files" in made.notes[0]


def test_what_git_leaves_out_after_damaged_binary_data_is_noted(work: Work) -> None:
    work.write("src/core.py", FIXED)
    damaged = (
        b"diff --git a/x b/x\nnew file mode 100644\nindex %s..%s\nGIT binary patch\nliteral 9\nzz\n"
        % (b"0" * 40, b"1" * 40)
    )

    made = apply_foreign_patch(work.trees, work.tree, work.diff() + damaged)

    assert made.files == {"src/core.py": FIXED}
    assert "git stopped at a section it cannot read (corrupt binary patch" in made.notes[0]

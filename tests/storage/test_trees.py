from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from storage.blobs import read_blobs
from storage.errors import SourceError
from storage.git import GitError, git, line
from storage.store import Store
from storage.trees import Trees
from tests.storage.checkouts import IDENTITY, commit, make_checkout

HOOKS = (
    "pre-commit",
    "post-commit",
    "post-checkout",
    "post-index-change",
    "reference-transaction",
    "pre-auto-gc",
)
EMPTY = (*IDENTITY, "commit", "--allow-empty", "-qmx")


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "cache")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_bytes_modes_and_links_come_back_as_they_were(trees: Trees, tmp_path: Path) -> None:
    files = {
        "crlf.py": b"x = 1\r\n",
        "no_newline.py": b"x = 1",
        "dir/caf\xe9.bin".encode("latin-1").decode("utf-8", "surrogateescape"): b"\0\xff",
        "new\nline.py": b"pass\n",
        "back\\slash.py": b"pass\n",
        ".gitattributes": b"* text eol=lf filter=lfs export-ignore\n",
        "ident.py": b"# $Id$\r\n",
    }
    folder = write(tmp_path / "folder", files)
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("dir")
    (folder / "dangling").symlink_to("/nowhere")

    tree = trees.snapshot(folder)
    trees.materialise(tree, tmp_path / "copy")

    assert trees.read_all(tree, files) == files
    assert trees.paths(tree)["run.sh"] == "100755"
    assert os.access(tmp_path / "copy" / "run.sh", os.X_OK)
    assert (tmp_path / "copy" / "link").readlink() == Path("dir")
    assert (tmp_path / "copy" / "dangling").readlink() == Path("/nowhere")
    assert trees.snapshot(tmp_path / "copy") == tree
    assert (tmp_path / "copy" / "crlf.py").read_bytes() == b"x = 1\r\n"


def test_a_plain_folder_is_taken_without_environments_caches_and_leftovers(
    trees: Trees, tmp_path: Path
) -> None:
    kept = {"src/pkg/__init__.py": b"", "tests/test_a.py": b"x", "pkg/build/__init__.py": b""}
    left_out = {
        ".git/config": b"",
        ".tox/py/x.py": b"",
        ".nox/x.py": b"",
        "node_modules/x.js": b"",
        "my-env/pyvenv.cfg": b"",
        "my-env/lib/x.py": b"",
        "src/pkg/__pycache__/a.pyc": b"",
        "src/pkg.egg-info/PKG-INFO": b"",
        ".pytest_cache/x": b"",
        "build/lib/pkg/__init__.py": b"",
        "dist/pkg-1.0.whl": b"",
        ".coverage": b"",
    }
    folder = write(tmp_path / "folder", kept | left_out)
    Store(folder / "bugfoundry.db").close()

    assert set(trees.paths(trees.snapshot(folder))) == set(kept)


def test_the_tree_stays_the_same_while_a_store_in_the_folder_is_open(
    trees: Trees, tmp_path: Path
) -> None:
    folder = write(tmp_path / "folder", {"a.py": b""})
    before = trees.snapshot(folder)
    with Store(folder / "bugs.db") as store:
        store.repositories()
        assert (folder / "bugs.db-wal").exists()
        assert trees.snapshot(folder) == before


def test_a_clean_checkout_has_the_tree_of_its_commit(trees: Trees, tmp_path: Path) -> None:
    files = {"a.py": b"1\n", "deep/b.py": b"2\n", ".gitignore": b"*.log\n", "x.log": b""}
    folder = make_checkout(tmp_path / "checkout", files)

    assert trees.snapshot(folder) == line("rev-parse", "HEAD^{tree}", cwd=folder)


def test_converted_line_endings_do_not_make_a_checkout_another_tree(
    trees: Trees, tmp_path: Path
) -> None:
    files = {"run.bat": b"echo\n", ".gitattributes": b"*.bat text eol=crlf\n"}
    folder = make_checkout(tmp_path / "checkout", files)
    (folder / "run.bat").write_bytes(b"echo\r\n")

    assert trees.snapshot(folder) == line("rev-parse", "HEAD^{tree}", cwd=folder)


def test_a_dirty_checkout_is_taken_as_it_is_on_disk(trees: Trees, tmp_path: Path) -> None:
    ignoring = {".gitignore": b"*.log\n", "kept.log": b"tracked"}
    folder = make_checkout(tmp_path / "checkout", {"a.py": b"1\n", "gone.py": b"", **ignoring})
    git("add", "--force", "kept.log", cwd=folder)
    commit(folder)
    (folder / "gone.py").unlink()
    write(folder, {"a.py": b"changed\r\n", "new.py": b"new", "x.log": b"", ".venv/x.py": b""})

    tree = trees.snapshot(folder)

    assert trees.read_all(tree) == {
        ".gitignore": b"*.log\n",
        "a.py": b"changed\r\n",
        "kept.log": b"tracked",
        "new.py": b"new",
    }


def test_submodules_are_taken_with_their_files(trees: Trees, tmp_path: Path) -> None:
    inner = make_checkout(tmp_path / "inner", {"b.py": b"2\n"})
    outer = make_checkout(tmp_path / "outer", {"a.py": b"1\n"})
    git("submodule", "--quiet", "add", inner, "sub", cwd=outer)
    commit(outer)

    assert trees.read_all(trees.snapshot(outer), ["sub/b.py"]) == {"sub/b.py": b"2\n"}
    assert set(trees.paths(trees.adopt(outer, "HEAD"))) == {"a.py", ".gitmodules"}


def test_nothing_of_the_host_leaks_in(
    trees: Trees, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_checkout(tmp_path / "checkout", {"a.py": b"x = 1\r\n"})
    expected = trees.snapshot(folder)
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n\tautocrlf = true\n\tfsmonitor = /bin/false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")

    assert trees.snapshot(folder) == expected
    assert trees.orphan_commit(expected, "x") == Trees(tmp_path / "other").orphan_commit(
        Trees(tmp_path / "other").snapshot(folder), "x"
    )


@pytest.mark.parametrize("filtered", ["x", "lfs"])
def test_programs_named_by_a_checkouts_settings_are_not_run(
    trees: Trees, tmp_path: Path, filtered: str
) -> None:
    attributes = f"* filter={filtered}".encode()
    folder = make_checkout(tmp_path / "checkout", {"a.py": b"1\n", ".gitattributes": attributes})
    trap = tmp_path / "sprung"
    for name in ("core.fsmonitor", "core.sshCommand"):
        git("config", name, f"touch {trap}; cat", cwd=folder)
    for name in ("clean", "smudge", "process"):
        git("config", f"filter.{filtered}.{name}", f"touch {trap}; cat", cwd=folder)
    (folder / "a.py").write_bytes(b"2\n")

    tree = trees.snapshot(folder)
    trees.materialise(tree, tmp_path / "copy")

    assert (tmp_path / "copy" / "a.py").read_bytes() == b"2\n"
    assert not trap.exists()


def test_hooks_of_a_checkout_are_not_run(trees: Trees, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "checkout", {"a.py": b"1\n"})
    trap = tmp_path / "sprung"
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (hooks / name).chmod(0o755)
    git("config", "core.hooksPath", hooks, cwd=folder)
    (folder / "a.py").write_bytes(b"2\n")

    trees.snapshot(folder)
    trees.adopt(folder, "HEAD")
    git(*EMPTY, cwd=folder)

    assert not trap.exists()
    subprocess.run(["git", *EMPTY], cwd=folder, check=True)
    assert trap.exists()


def test_changes_make_another_tree_and_leave_the_rest(trees: Trees, tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", {"a.py": b"1", "b/c.py": b"2", "run": b"3"})
    (folder / "run").chmod(0o755)
    tree = trees.snapshot(folder)

    changed = trees.with_changes(tree, {"run": b"4", "b/c.py": None, "new/d.py": b"5"})

    assert trees.read_all(changed) == {"a.py": b"1", "run": b"4", "new/d.py": b"5"}
    assert trees.paths(changed)["run"] == "100755"
    assert trees.with_changes(tree, {}) == tree
    assert trees.read_file(changed, "b/c.py") is None


def test_a_tree_is_the_same_commit_everywhere(trees: Trees, tmp_path: Path) -> None:
    tree = trees.snapshot(write(tmp_path / "folder", {"a.py": b"1\n"}))

    assert trees.orphan_commit(tree, "Start") == "b42a2a95d94ad3bea570578437efc7619814451c"


def test_a_checkout_holds_one_commit_and_no_remote(trees: Trees, tmp_path: Path) -> None:
    files = {"a.py": b"1\r\n", "deep/b.py": b"2"}
    tree = trees.snapshot(write(tmp_path / "folder", files))
    trees.with_changes(tree, {"a.py": b"the fix"})
    made = trees.orphan_commit(tree, "Start")
    dest = tmp_path / "work"
    trees.checkout(made, dest)

    assert line("rev-parse", "HEAD", cwd=dest) == made
    assert line("rev-list", "--all", "--count", cwd=dest) == "1"
    assert line("remote", cwd=dest) == ""
    assert not (dest / ".git" / "logs").exists()
    assert line("status", "--porcelain", cwd=dest) == ""
    assert line("cat-file", "--batch-all-objects", "--batch-check", cwd=dest).count("\n") == 4
    with pytest.raises(SourceError, match="not empty"):
        trees.checkout(made, dest)


def test_a_bundle_can_be_cloned(trees: Trees, tmp_path: Path) -> None:
    tree = trees.snapshot(write(tmp_path / "folder", {"a.py": b"1\n"}))
    made = trees.orphan_commit(tree, "Start")
    trees.bundle(made, tmp_path / "task.bundle", "task")

    git("clone", "--quiet", "--branch", "task", tmp_path / "task.bundle", tmp_path / "clone")

    assert line("rev-parse", "HEAD", cwd=tmp_path / "clone") == made


def test_git_errors_are_one_line(trees: Trees, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "checkout", {"a.py": b"1\n"})

    with pytest.raises(GitError) as error:
        trees.adopt(folder, "no-such-branch")

    assert "\n" not in str(error.value)
    assert not str(error.value).startswith("fatal")


def test_a_tree_that_would_escape_its_folder_is_refused(trees: Trees, tmp_path: Path) -> None:
    blob = trees.snapshot(write(tmp_path / "folder", {"a.py": b"1\n"}))
    git_dir = f"--git-dir={trees.git_dir}"
    listed = f"040000 tree {blob}\t..\n".encode()
    evil = git(git_dir, "mktree", stdin=listed).decode().strip()

    with pytest.raises(SourceError, match="no path a work tree may hold"):
        trees.materialise(evil, tmp_path / "dest")


def test_a_content_that_is_gone_is_told(trees: Trees) -> None:
    with pytest.raises(GitError, match="is not in"):
        read_blobs(trees.git_dir, ["0" * 40])

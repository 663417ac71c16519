from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from storage.layouts import lay_out
from storage.trees import Trees
from tests.storage.checkouts import IDENTITY, make_checkout

ATTRIBUTES = (
    b"[attr]windows text eol=crlf\n"
    b"* text=auto\n"
    b"*.bat windows\n"
    b"*.id ident\n"
    b"*.u16 text working-tree-encoding=UTF-16LE eol=lf\n"
    b"*.big filter=lfs -text\n"
)
FILES = {
    ".gitattributes": ATTRIBUTES,
    "run.bat": b"a\nb\n",
    "kept.id": b"# $Id$\n",
    "text.u16": "h\u00e9\n".encode("utf-16-le"),
    "auto.txt": b"a\nb\n",
    "picture.big": b"version https://git-lfs.github.com/spec/v1\n",
    "sub/.gitattributes": b"*.bat -text\nforced.txt eol=crlf\n",
    "sub/raw.bat": b"a\n",
    "sub/forced.txt": b"a\n",
}


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "cache")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git itself checks out."""
    git("clone", "-q", make_checkout(tmp_path / "origin", FILES), tmp_path / "clone")
    return tmp_path / "clone"


def git(*words: str | Path, cwd: Path | None = None) -> str:
    command = ["git", *IDENTITY, *map(str, words)]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def read_files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    return {path: data for path, data in files.items() if not path.startswith(".git/")}


def test_materialise_lays_files_out_as_git_does(trees: Trees, clone: Path, tmp_path: Path) -> None:
    tree = trees.adopt(clone / ".git", "HEAD")

    trees.materialise(tree, tmp_path / "copy")

    assert read_files(tmp_path / "copy") == read_files(clone)
    assert read_files(clone)["run.bat"] == b"a\r\nb\r\n"
    assert trees.read_file(tree, "run.bat") == b"a\nb\n"


def test_checkout_is_clean_where_attributes_convert(
    trees: Trees, clone: Path, tmp_path: Path
) -> None:
    commit = trees.orphan_commit(trees.adopt(clone / ".git", "HEAD"), "Start")

    trees.checkout(commit, tmp_path / "copy")

    assert git("status", "--short", cwd=tmp_path / "copy") == ""


def test_snapshot_of_a_clone_is_its_commit(trees: Trees, clone: Path) -> None:
    assert trees.snapshot(clone) == git("rev-parse", "HEAD^{tree}", cwd=clone).strip()


def test_snapshot_of_a_plain_folder_is_laid_out_as_it_lies(trees: Trees, tmp_path: Path) -> None:
    files = FILES | {"run.bat": b"a\r\n", "auto.txt": b"old\r\n", "sub/forced.txt": b"a\r\n"}
    files |= {"kept.id": b"nothing\n"}
    for path, data in files.items():
        (tmp_path / "plain" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / path).write_bytes(data)

    tree = trees.snapshot(tmp_path / "plain")
    trees.materialise(tree, tmp_path / "copy")

    assert read_files(tmp_path / "copy") == files
    assert trees.read_file(tree, "run.bat") == b"a\n"


def test_changed_files_are_laid_out_as_git_does(trees: Trees, clone: Path) -> None:
    tree = trees.adopt(clone / ".git", "HEAD")
    changes = {"run.bat": b"b\n", "new.bat": b"c\n", "auto.txt": b"x\n", "kept.id": None}

    laid = lay_out(lambda path: trees.read_file(tree, path), changes)

    assert laid == changes | {"run.bat": b"b\r\n", "new.bat": b"c\r\n"}


def test_files_of_a_work_tree_are_taken_in_as_git_would_commit_them(
    trees: Trees, tmp_path: Path
) -> None:
    files = {".gitattributes": b"*.bat text eol=crlf\n", "old.bat": b"a\n", "b.txt": b"b\n"}
    tree = trees.snapshot(make_checkout(tmp_path / "origin", files))
    tree = trees.with_changes(tree, {"odd.bat": b"never\r\nmade plain\n"})
    laid = trees.read_work_files(tree)

    assert trees.take_in(tree, laid) == trees.read_all(tree)
    assert trees.take_in(tree, {"old.bat": b"c\r\n", "new.bat": b"d\r\n", "b.txt": b"e\r\n"}) == {
        "old.bat": b"c\n",
        "new.bat": b"d\n",
        "b.txt": b"e\r\n",
    }


def test_changed_attributes_hold_for_what_changes_with_them() -> None:
    changes: dict[str, bytes | None] = {".gitattributes": b"*.c eol=crlf\n", "a.c": b"x\n"}

    assert lay_out(lambda path: None, changes)["a.c"] == b"x\r\n"
    assert lay_out({".gitattributes": b"*.c eol=crlf\n"}.get, {"../a.c": b"x\n"}) == {
        "../a.c": b"x\n"
    }


def test_what_is_not_in_its_encoding_is_taken_as_it_lies(trees: Trees, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    files = {
        ".gitattributes": b"*.u16 text working-tree-encoding=UTF-16\n*.bat eol=crlf\n",
        "bad.u16": b"no mark",
        "run.bat": b"a\r\n",
    }
    for path, data in files.items():
        (folder / path).write_bytes(data)

    tree = trees.snapshot(folder)

    assert trees.read_all(tree) == files | {"run.bat": b"a\n"}


def test_no_filter_of_a_repository_is_run(trees: Trees, clone: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    git("config", "filter.lfs.smudge", f"touch {ran}; cat", cwd=clone)
    git("config", "filter.lfs.clean", f"touch {ran}; cat", cwd=clone)
    (clone / "picture.big").write_bytes(b"the picture itself")

    tree = trees.snapshot(clone)
    trees.materialise(tree, tmp_path / "copy")

    assert not ran.exists()
    assert trees.filters(tree) == {"picture.big": "lfs"}
    assert (tmp_path / "copy" / "picture.big").read_bytes() == b"the picture itself"

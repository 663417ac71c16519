from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from storage.errors import SourceError
from storage.git import git
from storage.records import Repository
from storage.sources import fetch, parse
from storage.submodules import Upstream, join_urls, list_left_out, read_modules, resolve_url
from storage.tree_gaps import describe_gaps
from storage.trees import Trees
from tests.storage.checkouts import commit, make_checkout

LOCAL = ("-c", "protocol.file.allow=always")


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "cache")


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A checkout with a submodule by a relative URL, which has one itself."""
    make_checkout(tmp_path / "deep", {"deep.txt": b"3\n"})
    inner = make_checkout(tmp_path / "inner", {"b.py": b"2\n"})
    add(inner, "../deep", "deep")
    outer = make_checkout(tmp_path / "outer", {"a.py": b"1\n"})
    add(outer, "../inner", "tests/sub")
    return outer


def add(folder: Path, url: str, path: str) -> None:
    git(*LOCAL, "submodule", "--quiet", "add", url, path, cwd=folder)
    git(*LOCAL, "submodule", "--quiet", "update", "--init", "--recursive", cwd=folder)
    commit(folder)


def get(text: str, trees: Trees) -> Repository:
    return fetch(parse(text), cache=trees.git_dir.parent, trees=trees)


def upstream(url: str, tmp_path: Path) -> Upstream:
    return Upstream(cache=tmp_path, url=url)


def test_a_submodule_is_the_same_from_folder_url_and_revision(trees: Trees, outer: Path) -> None:
    found = [get(text, trees) for text in (str(outer), outer.as_uri(), f"{outer}@main")]

    assert len({each.tree for each in found}) == len({each.commit for each in found}) == 1
    assert trees.read_file(found[0].tree, "tests/sub/deep/deep.txt") == b"3\n"
    assert list_left_out(trees, found[0].tree) == []


def test_a_submodule_that_cannot_be_had_is_named(
    trees: Trees, outer: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "inner").rename(tmp_path / "gone")

    found = get(outer.as_uri(), trees)

    assert "submodule tests/sub is left out: " in caplog.text
    assert describe_gaps(trees, found.tree) == ["1 submodule left out: tests/sub"]
    assert get(f"{outer}@main", trees).tree != found.tree


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/secret",
        "/etc/secret",
        "../../../../etc",
        "ext::sh -c touch% /tmp/x",
        "-u",
        "http://localhost/x/y",
        "http://169.254.169.254/x/y",
        "https://[::1]/x/y",
        "http://intranet/x/y",
        "user@10.0.0.1:x/y",
        "user:word@example.org",
    ],
)
def test_a_strangers_submodule_reaches_nothing_of_this_machine(url: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        resolve_url(url, upstream("https://example.org/a/b", tmp_path))


@pytest.mark.parametrize(
    ("base", "url", "full"),
    [
        ("https://example.org/a/b.git", "../c.git", "https://example.org/a/c.git"),
        ("https://example.org/a/b", "../../z/c", "https://example.org/z/c"),
        ("https://example.org/a/b", "git@example.org:z/c", "https://example.org/z/c"),
        ("https://example.org/a/b", "ssh://git@other.org/z/c", "https://other.org/z/c"),
        ("git@example.org:a/b", "../c", "git@example.org:a/c"),
        ("git@example.org:b", "../c", "git@example.org:c"),
        ("git@example.org:a/b", "git@other.org:z/c", "https://other.org/z/c"),
        ("file:///srv/a", "../c", "file:///srv/c"),
        ("/srv/a", "../c", "/srv/c"),
    ],
)
def test_a_submodules_url_is_found_as_git_does(
    base: str, url: str, full: str, tmp_path: Path
) -> None:
    assert resolve_url(url, upstream(base, tmp_path)) == full


def test_a_relative_url_does_not_lead_above_the_host() -> None:
    with pytest.raises(SourceError, match="leads above"):
        join_urls("https://example.org/a", "../../../c")


def test_a_malformed_list_of_submodules_is_no_list(trees: Trees, tmp_path: Path) -> None:
    files = {".gitmodules": b'[submodule "x]\nurl', "a.py": b""}
    tree = trees.snapshot(make_checkout(tmp_path / "odd", files))

    assert read_modules(trees, tree) == []


def test_pointers_of_lfs_and_unknown_filters_are_named(trees: Trees, tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 1\n" % (b"0" * 64)
    files = {
        ".gitattributes": b"*.bin filter=lfs\n*.key filter=crypt\n",
        "a.bin": pointer,
        "b.bin": b"the file itself",
        "c.key": b"",
    }
    tree = trees.snapshot(make_checkout(tmp_path / "filtered", files))

    assert describe_gaps(trees, tree) == [
        "1 file of Git LFS left as pointers: a.bin",
        "1 file left as committed, for filter 'crypt' is not run: c.key",
    ]


needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


def make_lfs_checkout(folder: Path, content: bytes) -> Path:
    """Make a checkout whose one large file is kept as ``git lfs`` keeps it."""
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    files = {".gitattributes": b"*.bin filter=lfs -text\n", "a.bin": pointer.encode()}
    make_checkout(folder, files)
    place = folder / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    return folder


def test_files_of_lfs_that_a_checkout_holds_are_taken(trees: Trees, tmp_path: Path) -> None:
    folder = make_lfs_checkout(tmp_path / "large", b"the file itself")
    at_head = get(f"{folder}@HEAD", trees)
    (folder / "a.bin").write_bytes(b"the file itself")

    populated = get(str(folder), trees)

    assert trees.read_file(at_head.tree, "a.bin") == b"the file itself"
    assert (populated.tree, populated.commit) == (at_head.tree, at_head.commit)


def test_a_file_of_lfs_that_is_not_what_it_says_stays_a_pointer(
    trees: Trees, tmp_path: Path
) -> None:
    folder = make_lfs_checkout(tmp_path / "large", b"the file itself")
    place = next(path for path in (folder / ".git" / "lfs").rglob("*") if path.is_file())
    place.write_bytes(b"another")

    found = get(f"{folder}@HEAD", trees)

    assert describe_gaps(trees, found.tree) == ["1 file of Git LFS left as pointers: a.bin"]


@needs_lfs
def test_files_of_lfs_are_fetched_from_a_url(trees: Trees, tmp_path: Path) -> None:
    folder = make_lfs_checkout(tmp_path / "large", b"the file itself")
    (folder / ".lfsconfig").write_text("[lfs]\n\turl = https://127.0.0.1:1/elsewhere\n")
    commit(folder)

    found = get(folder.as_uri(), trees)

    assert trees.read_file(found.tree, "a.bin") == b"the file itself"
    assert describe_gaps(trees, found.tree) == []


def test_without_git_lfs_it_is_said_what_to_install(
    trees: Trees, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_lfs_checkout(tmp_path / "large", b"the file itself")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tools))

    get(folder.as_uri(), trees)

    assert "install git-lfs" in caplog.text

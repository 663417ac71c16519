"""Put files of Git LFS in the places of their pointers, where ``git lfs`` is installed."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.git import GitError, git
from storage.trees import Trees

log = logging.getLogger(__name__)
POINTER = b"version https://git-lfs.github.com/spec/"
FIELDS = re.compile(rb"^oid sha256:([0-9a-f]{64})\nsize (\d{1,15})$", re.MULTILINE)
LARGEST_POINTER = 1024
LARGEST = 1 << 30
"""Bytes of all files of LFS that are fetched for one repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What stands for a file: https://github.com/git-lfs/git-lfs, docs/spec.md."""

    oid: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    """Read a pointer; None for any other content."""
    if not content.startswith(POINTER) or len(content) > LARGEST_POINTER:
        return None
    found = FIELDS.search(content)
    return Pointer(oid=found[1].decode(), size=int(found[2])) if found else None


def list_pointers(trees: Trees, tree: str) -> dict[str, Pointer]:
    """Return path → pointer, of all that stand for their files in a tree."""
    named = sorted(path for path, name in trees.filters(tree).items() if name == "lfs")
    found = {path: parse_pointer(data) for path, data in trees.read_all(tree, named).items()}
    return {path: pointer for path, pointer in found.items() if pointer is not None}


def fill_pointers(
    trees: Trees, tree: str, git_dir: Path, url: str, commit: str, env: Mapping[str, str] | None
) -> str:
    """Return a commit's tree with the files that its pointers stand for, as far as they are had.

    What a checkout holds already is taken; with a ``url`` the rest is fetched from there.
    """
    pointers = list_pointers(trees, tree)
    missing = {p.oid: p.size for p in pointers.values() if not place_of(git_dir, p).is_file()}
    if missing and url:
        fetch_files(missing, git_dir, url, commit, env)
    contents = {path: read_file(git_dir, pointer) for path, pointer in pointers.items()}
    changes = {path: data for path, data in contents.items() if data is not None}
    return trees.with_changes(tree, changes) if changes else tree


def fetch_files(
    missing: Mapping[str, int], git_dir: Path, url: str, commit: str, env: Mapping[str, str] | None
) -> None:
    """Have ``git lfs`` fetch a commit's files; that it cannot is logged."""
    if sum(missing.values()) > LARGEST:
        log.warning("files of Git LFS at %s are left out: more than %d MiB", url, LARGEST >> 20)
        return
    # Named here, for a repository's own ``.lfsconfig`` could name any place.
    settings = ("-c", f"lfs.url={endpoint_of(url)}", "-c", "lfs.fetchexclude=")
    try:
        git(*settings, "lfs", "fetch", url, commit, cwd=git_dir, env=env)
    except GitError as error:
        said = str(error)
        hint = "install git-lfs to fetch them" if "not a git command" in said else said
        log.warning("files of Git LFS at %s are left out: %s", url, hint)


def endpoint_of(url: str) -> str:
    """Return where a repository's files of LFS are (git-lfs, docs/api/server-discovery.md)."""
    if not url.lower().startswith("http"):
        return url
    return f"{url.rstrip('/').removesuffix('.git')}.git/info/lfs"


def place_of(git_dir: Path, pointer: Pointer) -> Path:
    """Return where ``git lfs`` keeps a file."""
    return git_dir / "lfs" / "objects" / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid


def read_file(git_dir: Path, pointer: Pointer) -> bytes | None:
    """Return a file that is kept, None where it is not just what its pointer says."""
    try:
        content = place_of(git_dir, pointer).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == pointer.oid else None

"""Read what git holds of a tree: its entries, their contents, and what its attributes ask for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from storage.blobs import read_blobs
from storage.errors import SourceError
from storage.folder_files import LINK
from storage.git import GitError, git
from storage.layouts import LayoutRules, is_attributes, read_rules

SUBMODULE = "160000"


@lru_cache(maxsize=16)
def entries_of(git_dir: Path, tree: str) -> Mapping[str, tuple[str, str]]:
    """Return path → (mode, name) of a tree, submodules included. Raises SourceError, GitError.

    What a hash stands for does not change: it is asked once for many files.
    """
    listed = parse_ls_tree(git(f"--git-dir={git_dir}", "ls-tree", "-r", "-z", "--full-tree", tree))
    for path in listed:
        if not {"..", ".", ".git"}.isdisjoint(PurePosixPath(path.lower()).parts):
            raise SourceError(f"{path!r} is no path a work tree may hold; leave it out")
    return listed


@lru_cache(maxsize=64)
def rules_of(git_dir: Path, tree: str) -> LayoutRules:
    """Return what the attributes of a tree ask for. Raises SourceError, GitError."""
    entries = entries_of(git_dir, tree)
    files = {p: name for p, (mode, name) in entries.items() if mode not in (LINK, SUBMODULE)}
    given = {path: name for path, name in files.items() if is_attributes(path)}
    contents = read_blobs(git_dir, given.values()) if given else {}
    return read_rules({path: contents[name] for path, name in given.items()}, files)


@lru_cache(maxsize=128)
def content_of(git_dir: Path, name: str) -> bytes:
    """Return one content by the name that git gives it."""
    return read_blobs(git_dir, [name])[name]


def parse_ls_tree(listed: bytes) -> dict[str, tuple[str, str]]:
    """Return path → (mode, name) of what ``git ls-tree -r -z`` printed."""
    entries = {}
    for record in listed.split(b"\0")[:-1]:
        described, _, path = record.partition(b"\t")
        mode, _, name = described.decode().split()
        entries[os.fsdecode(path)] = (mode, name)
    return entries


def committed_names(folder: Path) -> dict[str, str]:
    """Return path → name of content at HEAD; nothing where there is no commit."""
    try:
        listed = git("ls-tree", "-r", "-z", "HEAD", cwd=folder)
    except GitError:
        return {}
    return {path: name for path, (_, name) in parse_ls_tree(listed).items()}


def blob_name(content: bytes) -> str:
    """Return the name git gives to a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

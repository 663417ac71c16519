"""Work trees kept by content, in one bare git repository in the cache.

Plumbing with a private index: bytes, modes and links go in and come out as they are, whatever
the host's or the repository's settings, attributes and hooks say.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from storage.blobs import read_blobs
from storage.errors import SourceError
from storage.folder_files import EXECUTABLE, LINK, FolderEntry, list_files
from storage.git import GitError, git, init_bare
from storage.scratch import scratch_folder

PUSHED = 200
"""Refs that one push names."""
SUBMODULE = "160000"
SIGNATURE = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "bugfoundry"),
        ("EMAIL", "bugfoundry@localhost"),
        ("DATE", "946684800 +0000"),
    )
}
"""The same for every commit, so that the same tree is the same commit on any machine."""
COMMIT_MESSAGE = "Start"
"""Message of a tree's orphan commit: a part of its identity, never to be changed."""


class Trees:
    """The store of trees in a cache folder. Raises SourceError where git or the disk refuses."""

    def __init__(self, cache: Path) -> None:
        self.git_dir = cache / "trees.git"
        try:
            init_bare(self.git_dir)
        except OSError as error:
            raise SourceError(
                f"the cache {cache} cannot be written ({error.strerror}); "
                "name another folder with BUGFOUNDRY_CACHE"
            ) from error

    def snapshot(self, folder: Path) -> str:
        """Keep the files of a folder, and return the tree's hash.

        Of a git checkout: what is tracked, as it is on disk, and what is untracked and not
        ignored. Of a plain folder: all but environments, caches and what builds leave behind.
        """
        entries = list_files(folder)
        names = self._as_committed(folder, entries, self._keep_files(folder, entries))
        return self._write_tree((e.path, e.mode, names[e.path]) for e in entries)

    def has(self, tree: str) -> bool:
        """Say whether a tree is here, with all its files."""
        try:
            self._git("rev-list", "--objects", "--quiet", tree)
        except GitError:
            return False
        return True

    def paths(self, tree: str) -> dict[str, str]:
        """Return path and mode of every file and link."""
        return {path: mode for path, (mode, _) in self._entries(tree).items()}

    def contents(self, tree: str) -> frozenset[str]:
        """Return the names that git gives to the contents of a tree's files."""
        return frozenset(name for _, name in self._entries(tree).values())

    def read_file(self, tree: str, path: str) -> bytes | None:
        """Return a file's content, or a link's target; None where there is none."""
        entry = self._entries(tree).get(path)
        return None if entry is None else content_of(self.git_dir, entry[1])

    def read_all(self, tree: str, paths: Iterable[str] | None = None) -> dict[str, bytes]:
        """Return the content of the files named (all by default), those that are there."""
        entries = self._entries(tree)
        wanted = {
            path: entries[path][1]
            for path in (entries if paths is None else paths)
            if path in entries
        }
        contents = read_blobs(self.git_dir, wanted.values())
        return {path: contents[name] for path, name in wanted.items()}

    def materialise(self, tree: str, dest: Path) -> None:
        """Write the tree's files into a folder, made if need be."""
        contents = self.read_all(tree)
        dest.mkdir(parents=True, exist_ok=True)
        modes = self.paths(tree)
        for path in sorted(modes, key=lambda path: modes[path] == LINK):
            mode = modes[path]
            target = dest / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if mode == LINK:
                target.symlink_to(os.fsdecode(contents[path]))
                continue
            target.write_bytes(contents[path])
            target.chmod(0o755 if mode == EXECUTABLE else 0o644)

    def with_changes(
        self,
        tree: str,
        changes: Mapping[str, bytes | None],
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """Return the tree with files written or, where None, deleted; modes are kept."""
        entries = self._entries(tree)
        for path, content in changes.items():
            if content is None:
                entries.pop(path, None)
                continue
            mode = (modes or {}).get(path) or entries.get(path, ("100644", ""))[0]
            entries[path] = (mode, self._keep(content))
        return self._write_tree([(path, mode, name) for path, (mode, name) in entries.items()])

    def orphan_commit(self, tree: str, message: str) -> str:
        """Return the commit that holds the tree and has no past; the same on any machine."""
        made = self._git("commit-tree", tree, stdin=message.encode() + b"\n", env=SIGNATURE)
        return made.decode().strip()

    def push(
        self, commits: Mapping[str, str], url: str, *, env: Mapping[str, str] | None = None
    ) -> None:
        """Make refs of another repository these commits, whatever they were; an empty commit
        removes the ref. Raises GitError.
        """
        listed = [f"{commit}:{ref}" for ref, commit in commits.items()]
        for start in range(0, len(listed), PUSHED):
            self._git("push", "--quiet", "--force", url, *listed[start : start + PUSHED], env=env)

    def bundle(self, commit: str, file: Path, branch: str = "main") -> None:
        """Write a git bundle that holds the commit alone, as a branch."""
        with scratch_folder() as folder:
            repository = folder
            self._make_repository(repository, commit, branch)
            git("bundle", "create", "--quiet", file.absolute(), branch, cwd=repository)

    def pack_tree(self, tree: str) -> bytes:
        """Return a git bundle of the one commit that holds a tree, as ``unpack`` takes it."""
        commit = self.orphan_commit(tree, COMMIT_MESSAGE)
        with scratch_folder() as folder:
            file = folder / "tree.bundle"
            self.bundle(commit, file)
            return file.read_bytes()

    def unpack(self, bundle: bytes) -> str:
        """Take in a bundle that ``packed`` made, and return its tree's hash."""
        with scratch_folder() as folder:
            file = folder / "tree.bundle"
            file.write_bytes(bundle)
            self._git("bundle", "unbundle", str(file))
            heads = self._git("bundle", "list-heads", str(file)).decode().split()
        if len(heads) != 2:
            raise SourceError("a bundle of a tree holds one branch; this one does not")
        return self._git("rev-parse", f"{heads[0]}^{{tree}}").decode().strip()

    def holds(self, tree: str) -> bool:
        """Say whether a tree is here."""
        try:
            return self._git("cat-file", "-t", tree).decode().strip() == "tree"
        except GitError:
            return False

    def checkout(self, commit: str, dest: Path, branch: str = "main") -> None:
        """Make a git repository of the one commit: no past, no remote, no log, a clean tree."""
        if dest.exists() and any(dest.iterdir()):
            raise SourceError(f"{dest} is not empty; name a folder that does not exist yet")
        tree = self._git("rev-parse", f"{commit}^{{tree}}").decode().strip()
        self.materialise(tree, dest)
        self._make_repository(dest, commit, branch)
        git("read-tree", commit, cwd=dest)
        git("update-index", "-q", "--refresh", cwd=dest)
        shutil.rmtree(dest / ".git" / "logs", ignore_errors=True)

    def adopt(self, git_dir: Path, revision: str) -> str:
        """Copy a revision's files from another repository, and return the tree's hash."""
        found = git(
            "rev-parse", "--verify", "--end-of-options", f"{revision}^{{tree}}", cwd=git_dir
        )
        tree = found.decode().strip().removeprefix("--end-of-options").strip()
        listed = git("rev-list", "--objects", "--no-object-names", tree, cwd=git_dir)
        pack = git("pack-objects", "--quiet", "--stdout", cwd=git_dir, stdin=listed)
        self._git("index-pack", "--stdin", stdin=pack)
        return self._without_submodules(tree)

    def _without_submodules(self, tree: str) -> str:
        entries = self._entries(tree, submodules=True)
        if not any(mode == SUBMODULE for mode, _ in entries.values()):
            return tree
        return self._write_tree(
            [(path, mode, name) for path, (mode, name) in entries.items() if mode != SUBMODULE]
        )

    def _make_repository(self, repository: Path, commit: str, branch: str) -> None:
        """Make a repository whose one branch is the commit."""
        pack = self._git(
            "pack-objects", "--quiet", "--revs", "--stdout", stdin=f"{commit}\n".encode()
        )
        git("init", "--quiet", "--template=", f"--initial-branch={branch}", repository)
        git("index-pack", "--stdin", cwd=repository, stdin=pack)
        git("update-ref", f"refs/heads/{branch}", commit, cwd=repository)

    def _entries(self, tree: str, *, submodules: bool = False) -> dict[str, tuple[str, str]]:
        listed = entries_of(self.git_dir, tree)
        return {
            path: entry for path, entry in listed.items() if submodules or entry[0] != SUBMODULE
        }

    def _keep(self, content: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def _keep_files(self, folder: Path, entries: list[FolderEntry]) -> dict[str, str]:
        """Keep contents as they are on disk; one git process for all ordinary files."""
        ordinary = [e for e in entries if e.mode != LINK and "\n" not in e.path]
        listed = b"".join(os.fsencode((folder / e.path).absolute()) + b"\n" for e in ordinary)
        kept = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listed)
        names = dict(zip((e.path for e in ordinary), kept.decode().split(), strict=True))
        return {e.path: names.get(e.path) or self._keep(e.read_content(folder)) for e in entries}

    def _as_committed(
        self, folder: Path, entries: list[FolderEntry], names: dict[str, str]
    ) -> dict[str, str]:
        """Take back line endings that git converted when it checked the files out."""
        committed = committed_names(folder)
        changed = dict(names)
        for entry in entries:
            before = committed.get(entry.path)
            if before is None or before == names[entry.path] or entry.mode == LINK:
                continue
            content = entry.read_content(folder)
            if b"\r\n" in content and blob_name(plain := content.replace(b"\r\n", b"\n")) == before:
                changed[entry.path] = self._keep(plain)
        return changed

    def _write_tree(self, entries: Iterable[tuple[str, str, str]]) -> str:
        listed = b"".join(
            f"{mode} {name}\t".encode() + os.fsencode(path) + b"\0" for path, mode, name in entries
        )
        with scratch_folder() as folder:
            env = {"GIT_INDEX_FILE": str(folder / "index")}
            self._git("update-index", "-z", "--index-info", stdin=listed, env=env)
            return self._git("write-tree", env=env).decode().strip()

    def _git(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        return git(f"--git-dir={self.git_dir}", *arguments, stdin=stdin, env=env)


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

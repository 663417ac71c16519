"""Work trees kept by content, in one bare git repository in the cache.

Plumbing with a private index: bytes, modes and links go in and come out as they are, whatever
the host's or the repository's settings, attributes and hooks say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from storage import layouts
from storage.blobs import read_blobs
from storage.errors import SourceError
from storage.folder_files import EXECUTABLE, LINK, FolderEntry, list_files
from storage.git import GitError, git, init_bare
from storage.scratch import scratch_folder
from storage.tree_entries import (
    SUBMODULE,
    blob_name,
    committed_names,
    content_of,
    entries_of,
    rules_of,
)

PUSHED = 200
"""Refs that one push names."""
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

    def read_work_files(self, tree: str, paths: Iterable[str] | None = None) -> dict[str, bytes]:
        """Return what ``read_all`` does, as git checks it out by the tree's attributes."""
        contents = self.read_all(tree, paths)
        converted = rules_of(self.git_dir, tree).converted & contents.keys()
        if not converted:
            return contents
        return contents | layouts.check_out(
            self._attributes(tree), {path: contents[path] for path in converted}
        )

    def take_in(self, tree: str, contents: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return files of a work tree as git would commit them over a tree.

        What lies as it was laid out is what the tree holds; links stay as they are.
        """
        modes = self.paths(tree)
        attributes = self._attributes(tree)
        files = [path for path in contents if modes.get(path) != LINK]
        wanted = layouts.read_rules(attributes, files).converted
        laid = self.read_work_files(tree, wanted)
        same = {path for path in wanted if laid.get(path) == contents[path]}
        changed = {path: contents[path] for path in wanted - same}
        found = layouts.check_in(attributes, changed) if changed else {}
        plain = {path: committed for path, (committed, _) in found.items()}
        return {**contents, **plain, **self.read_all(tree, same)}

    def filters(self, tree: str) -> Mapping[str, str]:
        """Return path → filter, of the files that one is named for: none is run."""
        return rules_of(self.git_dir, tree).filtered

    def _attributes(self, tree: str) -> dict[str, bytes]:
        """Return the files that give attributes; git follows no link there."""
        modes = self.paths(tree)
        given = (path for path, mode in modes.items() if mode != LINK)
        return self.read_all(tree, filter(layouts.is_attributes, given))

    def materialise(self, tree: str, dest: Path) -> None:
        """Write the tree's files into a folder, made if need be, as git checks them out."""
        contents = self.read_work_files(tree)
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
        """Copy a revision's files from another repository, and return the tree's hash.

        Without submodules: ``storage/submodules.py`` takes them in.
        """
        return self.graft(self.copy(git_dir, revision), {})

    def copy(self, git_dir: Path, revision: str) -> str:
        """Copy a revision's tree from another repository as it is, and return its hash."""
        found = git(
            "rev-parse", "--verify", "--end-of-options", f"{revision}^{{tree}}", cwd=git_dir
        )
        tree = found.decode().strip().removeprefix("--end-of-options").strip()
        listed = git("rev-list", "--objects", "--no-object-names", tree, cwd=git_dir)
        pack = git("pack-objects", "--quiet", "--stdout", cwd=git_dir, stdin=listed)
        self._git("index-pack", "--stdin", stdin=pack)
        return tree

    def submodules(self, tree: str) -> dict[str, str]:
        """Return path → commit of the submodules of a tree."""
        entries = self._entries(tree, submodules=True)
        return {path: name for path, (mode, name) in entries.items() if mode == SUBMODULE}

    def graft(self, tree: str, subtrees: Mapping[str, str]) -> str:
        """Return a tree without its submodules, and with others in folders that it lacks."""
        entries = self._entries(tree, submodules=True)
        if not subtrees and not any(mode == SUBMODULE for mode, _ in entries.values()):
            return tree
        kept = {path: entry for path, entry in entries.items() if entry[0] != SUBMODULE}
        for path, subtree in subtrees.items():
            kept |= {f"{path}/{p}": entry for p, entry in self._entries(subtree).items()}
        return self._write_tree([(path, mode, name) for path, (mode, name) in kept.items()])

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
        """Take back what git converted when it checked the files out.

        A file gets the content that is laid out as it lies there: the committed one, that which
        git would commit, or where neither is, its own.
        """
        committed = committed_names(folder)
        given = [e for e in entries if layouts.is_attributes(e.path) and e.mode != LINK]
        attributes = {e.path: e.read_content(folder) for e in given}
        rules = layouts.read_rules(attributes, (e.path for e in entries))
        changed = dict(names)
        asked: dict[str, bytes] = {}
        for entry in entries:
            before = committed.get(entry.path)
            if entry.mode == LINK or before == names[entry.path]:
                continue
            if entry.path in rules.converted:
                asked[entry.path] = entry.read_content(folder)
            elif before is not None:
                content = entry.read_content(folder)
                plain = content.replace(b"\r\n", b"\n")
                if plain != content and blob_name(plain) == before:
                    changed[entry.path] = self._keep(plain)
        found = layouts.check_in(attributes, asked) if asked else {}
        kept = {path: plain for path, (plain, laid) in found.items() if laid == asked[path]}
        return changed | {path: self._keep(plain) for path, plain in kept.items()}

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

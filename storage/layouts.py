"""Turn committed contents into what git checks out, and back: line ends, encodings, ``$Id$``.

A tree holds what is committed; ``.gitattributes`` say how that lies in a work tree
(https://git-scm.com/docs/gitattributes). Git itself converts, in a repository of its own that is
thrown away. It has no settings, so no filter that attributes name is ever run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from storage.blobs import read_blobs
from storage.git import GitError, git
from storage.scratch import scratch_folder

ATTRIBUTES = ".gitattributes"
ASKED = ("eol", "ident", "working-tree-encoding", "filter")
UNSET = frozenset({"unspecified", "unset"})
Contents = Mapping[str, bytes]
"""Path → content."""
Changes = Mapping[str, bytes | None]
"""Path → content, None for what is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRules:
    """What attributes ask for."""

    converted: frozenset[str] = frozenset()
    """Paths whose content may differ between the commit and a work tree."""
    filtered: Mapping[str, str]
    """Path → filter, of files that one is named for; they stay as they are committed."""


def is_attributes(path: str) -> bool:
    """Say whether a file gives attributes to others."""
    return PurePosixPath(path).name == ATTRIBUTES


def is_plain(path: str) -> bool:
    """Say whether a path may lie in a work tree; who writes the others refuses them."""
    parts = PurePosixPath(path.lower()).parts
    return bool(parts) and not path.startswith("/") and {"..", ".git"}.isdisjoint(parts)


def list_attribute_paths(paths: Iterable[str]) -> list[str]:
    """Return where files may be that give some paths their attributes, sorted."""
    folders = {folder for path in paths for folder in PurePosixPath(path).parents}
    return sorted(str(folder / ATTRIBUTES) for folder in folders)


def read_rules(attributes: Contents, paths: Iterable[str]) -> LayoutRules:
    """Return what the files of attributes ask for some paths. Raises GitError."""
    asked = list(paths)
    if not attributes or not asked:
        return LayoutRules(filtered={})
    with make_desk() as desk:
        desk.write(attributes)
        told = desk.git("check-attr", "-z", "--stdin", *ASKED, stdin=join(asked))
    fields = [os.fsdecode(each) for each in told.split(b"\0")[:-1]]
    converted, filtered = set[str](), dict[str, str]()
    for path, attribute, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if value in UNSET:
            continue
        if attribute == "filter":
            filtered[path] = value
        elif (attribute, value) != ("eol", "lf"):
            converted.add(path)
    return LayoutRules(converted=frozenset(converted), filtered=filtered)


@lru_cache(maxsize=4096)
def is_converted(attributes: tuple[tuple[str, bytes], ...], path: str) -> bool:
    """Say whether files of attributes ask for a path's content to be converted."""
    return bool(read_rules(dict(attributes), [path]).converted)


def lay_out(read: Callable[[str], bytes | None], changes: Changes) -> dict[str, bytes | None]:
    """Return changed contents as git checks them out.

    ``read`` gives the committed files beneath. The attributes that hold are those with the changes.
    """
    places = list_attribute_paths(filter(is_plain, changes))
    found = {path: changes[path] if path in changes else read(path) for path in places}
    attributes = {path: content for path, content in found.items() if content is not None}
    written = {p: data for p, data in changes.items() if data is not None and is_plain(p)}
    known = tuple(attributes.items())
    wanted = {path: data for path, data in written.items() if known and is_converted(known, path)}
    return {**changes, **(check_out(attributes, wanted) if wanted else {})}


def check_out(attributes: Contents, contents: Contents) -> dict[str, bytes]:
    """Return committed contents as git checks them out. Raises GitError."""
    with make_desk() as desk:
        desk.add({**attributes, **contents})
        return desk.check_out(contents)


def check_in(attributes: Contents, contents: Contents) -> dict[str, tuple[bytes, bytes]]:
    """Return what git would commit of a work tree's contents, and how that is checked out.

    Without those that git refuses: what is not in the encoding that its attributes say.
    """
    plain = {path: data for path, data in contents.items() if "\n" not in path}
    try:
        return check_in_all(attributes, plain)
    except GitError:
        if len(plain) < 2:
            return {}
    parts = [check_in(attributes, {path: data}) for path, data in plain.items()]
    return {path: found for part in parts for path, found in part.items()}


def check_in_all(attributes: Contents, plain: Contents) -> dict[str, tuple[bytes, bytes]]:
    """Do what ``check_in`` says, with paths of one line. Raises GitError."""
    with make_desk() as desk:
        desk.write(attributes)
        desk.write(plain)
        listed = b"".join(os.fsencode(path) + b"\n" for path in plain)
        names = desk.git("hash-object", "-w", "--stdin-paths", stdin=listed).decode().split()
        cleaned = desk.read_objects(names)
    laid = check_out(attributes, dict(zip(plain, cleaned, strict=True)))
    return {path: (data, laid[path]) for path, data in zip(plain, cleaned, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An empty repository with a work tree, in a folder."""

    folder: Path

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git in the work tree."""
        where = (f"--git-dir={self.folder / 'git'}", f"--work-tree={self.tree}")
        return git(*where, *arguments, cwd=self.tree, stdin=stdin)

    def write(self, contents: Contents) -> None:
        """Write files into the work tree."""
        for path, content in contents.items():
            target = self.tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def add(self, contents: Contents) -> None:
        """Put contents into the index as they are."""
        place = self.folder / "contents"
        place.mkdir()
        listed = []
        for number, content in enumerate(contents.values()):
            (place / str(number)).write_bytes(content)
            listed.append(os.fsencode(place / str(number)) + b"\n")
        hashing = ("hash-object", "-w", "--no-filters", "--stdin-paths")
        names = self.git(*hashing, stdin=b"".join(listed)).decode().split()
        rows = [
            f"100644 {name}\t".encode() + os.fsencode(path) + b"\0"
            for path, name in zip(contents, names, strict=True)
        ]
        self.git("update-index", "-z", "--index-info", stdin=b"".join(rows))

    def check_out(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return contents of the index as git writes them into the work tree."""
        wanted = list(paths)
        self.git("checkout-index", "--force", "--quiet", "-z", "--stdin", stdin=join(wanted))
        return {path: (self.tree / path).read_bytes() for path in wanted}

    def read_objects(self, names: Iterable[str]) -> list[bytes]:
        """Return contents by the names that git gives them."""
        wanted = list(names)
        found = read_blobs(self.folder / "git", wanted)
        return [found[name] for name in wanted]


@contextmanager
def make_desk() -> Iterator[Desk]:
    """Make an empty repository; it goes when the block ends."""
    with scratch_folder() as folder:
        desk = Desk(folder=folder.resolve())
        desk.tree.mkdir()
        for name in ("objects", "refs"):
            (desk.folder / "git" / name).mkdir(parents=True)
        (desk.folder / "git" / "HEAD").write_text("ref: refs/heads/main\n")
        yield desk


def join(paths: Iterable[str]) -> bytes:
    """Return paths as git reads them."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)

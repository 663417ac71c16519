"""Read what an agent left: its change to the start state as git has it, and nothing else.

A git of our own does it, whose folder lies where no agent comes. It has the start state in its
index and the agent's tree as its work tree. Of the agent's own git nothing has a say: its folders
are removed first, its settings, hooks and filters with them. What is ignored is decided by the
start state's rules.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.sandboxes.agent_index import read_index
from harness.sandboxes.workplaces import release
from storage.errors import SandboxError
from storage.folder_files import LINK
from storage.git import git
from storage.tree_entries import blob_name, entries_of, rules_of
from storage.trees import Trees
from syntax.patches import decode

MEGABYTE = 1 << 20
LARGEST_WORK = 256 * MEGABYTE
"""Bytes of all files that came, changed in size or went: more is not read."""
LARGEST_PATCH = 64 * MEGABYTE
NOISE = (
    "__pycache__/\n*.py[cod]\n.pytest_cache/\n.mypy_cache/\n.ruff_cache/\n.hypothesis/\n"
    ".coverage\n.coverage.*\n"
)
RAW = "* -text -ident -filter !eol !working-tree-encoding"
"""Has git take the bytes as they are, whatever attributes the tree's own files give them."""
AS_TEXT, AS_BINARY = f"{RAW} !diff\n", f"{RAW} -diff\n"
OWN_FOLDERS = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
"""A file of such a name says that its folder is a virtual environment or a cache."""
SETTINGS = (
    *("-c", "core.fileMode=true", "-c", "core.symlinks=true", "-c", "core.ignoreCase=false"),
    # Names of any bytes are ASCII in the patch.
    *("-c", "core.quotePath=true", "-c", "core.untrackedCache=false"),
)


class WorkTooLarge(SandboxError):
    """An agent's change is larger than a patch may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The tree that an agent worked in, and what it was before."""

    work: Path
    own: Path
    """Where our git's folder is to be; it does not exist yet."""
    trees: Trees
    start: str
    """The start state's tree."""
    untracked: frozenset[str] = frozenset()
    """Files that a build had left there: no part of the start state, nor of the agent's work."""
    left: bytes = b""
    """The same, as rules of an ignore file."""


def read_patch(ground: Ground) -> str:
    """Return the agent's change as git's patch on the start state; its tree is used up by that.

    The patch is always UTF-8: a file of other bytes is a binary section. Raises WorkTooLarge,
    GitError, and OSError where the tree cannot be read.
    """
    added = settle(ground.work)
    make_git(ground)
    run(ground, "read-tree", ground.start)
    new = find_new_files(ground, added)
    check_size(ground, new)
    run(ground, "add", "--update", "--", ".")
    listed = b"".join(os.fsencode(path) + b"\0" for path in new)
    run(ground, "update-index", "--add", "--replace", "-z", "--stdin", stdin=listed)
    take_in(ground, new)
    return decode(write_patch(ground))


def settle(tree: Path) -> frozenset[str]:
    """Make a tree readable, and remove what no patch can hold: git's folders, sockets, pipes.

    Return the files that the git folders held as added: the agent may have forced an ignored one.
    """
    added: set[str] = set()
    for folder, entries in walk(tree):
        for entry in entries:
            place, mode = folder / entry.name, entry.stat(follow_symlinks=False).st_mode
            if entry.name.lower() == ".git":
                base = folder.relative_to(tree)
                added |= {str(base / path) for path in read_index(place)}
                release(place) if stat.S_ISDIR(mode) else place.unlink()
            elif stat.S_ISREG(mode):
                place.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
            elif not stat.S_ISDIR(mode) and not stat.S_ISLNK(mode):
                place.unlink()
    return frozenset(added)


def walk(folder: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Yield each folder with its entries, the upper first; it is opened where it was closed."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        current.chmod(0o755)
        with os.scandir(current) as found:
            entries = list(found)
        yield current, entries
        waiting += [
            current / entry.name
            for entry in entries
            if entry.name.lower() != ".git" and entry.is_dir(follow_symlinks=False)
        ]


def make_git(ground: Ground) -> None:
    """Make our git's folder: it borrows the start state's contents, and has no rules but ours."""
    git("init", "--quiet", "--bare", "--template=", ground.own)
    info = ground.own / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text(AS_TEXT)
    borrowed = ground.own / "objects" / "info" / "alternates"
    borrowed.parent.mkdir(exist_ok=True)
    borrowed.write_text(f"{(ground.trees.git_dir / 'objects').resolve()}\n")


def run(ground: Ground, *words: str, stdin: bytes = b"") -> bytes:
    """Run our git on the agent's tree. Raises GitError."""
    places = (f"--git-dir={ground.own}", f"--work-tree={ground.work}")
    return git(*SETTINGS, *places, *words, cwd=ground.work, stdin=stdin)


def find_new_files(ground: Ground, added: Collection[str]) -> list[str]:
    """Return the files that came: not ignored by the start state, or added by the agent's git."""
    noise = ground.own / "noise"
    noise.write_bytes(NOISE.encode() + ground.left)
    words = ("ls-files", "--others", "-z", f"--exclude-from={noise}")
    found = split_paths(run(ground, *words))
    folders = find_own_folders(found, ground.trees.paths(ground.start))
    found = [path for path in found if folders.isdisjoint(PurePosixPath(path).parents)]
    ignored = find_ignored(ground, found)
    forced = {path for path in added if path not in ground.untracked}
    return [path for path in found if path not in ignored or path in forced]


def find_own_folders(new: Sequence[str], start: Mapping[str, str]) -> frozenset[PurePosixPath]:
    """Return the new folders that say of themselves that they are an environment or a cache."""
    known = {parent for path in start for parent in PurePosixPath(path).parents}
    marked = {PurePosixPath(p).parent for p in new if PurePosixPath(p).name in OWN_FOLDERS}
    return frozenset(marked - known)


def find_ignored(ground: Ground, paths: Sequence[str]) -> frozenset[str]:
    """Return those of some paths that the start state's ignore files leave out."""
    if not paths:
        return frozenset()
    rules = ground.own / "rules"
    names = [
        path
        for path, mode in ground.trees.paths(ground.start).items()
        if mode != LINK and PurePosixPath(path).name == ".gitignore"
    ]
    rules.mkdir()
    for path, content in ground.trees.read_all(ground.start, names).items():
        (rules / path).parent.mkdir(parents=True, exist_ok=True)
        (rules / path).write_bytes(content)
    # Git fails where nothing is ignored; so something always is.
    sentinel = "bugfoundry-sentinel"
    (ground.own / "info" / "exclude").write_text(f"/{sentinel}\n")
    listed = b"".join(os.fsencode(path) + b"\0" for path in (sentinel, *paths))
    places = (f"--git-dir={ground.own}", f"--work-tree={rules}")
    words = ("check-ignore", "--no-index", "-z", "--stdin")
    return frozenset(split_paths(git(*SETTINGS, *places, *words, cwd=rules, stdin=listed)))


def take_in(ground: Ground, new: Sequence[str]) -> None:
    """Put what lies as the start state's attributes ask into our index as it is committed."""
    converted = {*rules_of(ground.trees.git_dir, ground.start).converted, *new}
    modes = read_modes(ground)
    files = [path for path in sorted(converted) if modes.get(path, "").startswith("100")]
    contents = {path: (ground.work / path).read_bytes() for path in files}
    start = entries_of(ground.trees.git_dir, ground.start)
    rows = []
    for path, content in ground.trees.take_in(ground.start, contents).items():
        if content == contents[path]:
            continue
        name = blob_name(content)
        if start.get(path, ("", ""))[1] != name:
            run(ground, "hash-object", "-w", "--no-filters", "--stdin", stdin=content)
        rows.append(f"{modes[path]} {name}\t".encode() + os.fsencode(path) + b"\0")
    run(ground, "update-index", "-z", "--index-info", stdin=b"".join(rows))


def read_modes(ground: Ground) -> dict[str, str]:
    """Return the mode of each file in our index."""
    modes = {}
    for record in run(ground, "ls-files", "--stage", "-z").split(b"\0")[:-1]:
        described, _, path = record.partition(b"\t")
        modes[os.fsdecode(path)] = described.split()[0].decode()
    return modes


def split_paths(listed: bytes) -> list[str]:
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def check_size(ground: Ground, new: Sequence[str]) -> None:
    """Measure what is to be read. Raises WorkTooLarge, naming the largest file."""
    before = read_sizes(ground)
    grown = {}
    for path in (*before, *new):
        size = size_of_file(ground.work / path)
        if size != before.get(path):
            grown[path] = max(size or 0, before.get(path, 0))
    if sum(grown.values()) > LARGEST_WORK:
        largest = max(grown, key=lambda path: grown[path])
        raise WorkTooLarge(
            f"the files that came or changed have {sum(grown.values()) // MEGABYTE} MiB, more than "
            f"{LARGEST_WORK // MEGABYTE}; the largest is {largest!r} with "
            f"{grown[largest] // MEGABYTE}"
        )


def read_sizes(ground: Ground) -> dict[str, int]:
    """Return the size of each file of the start state, in bytes."""
    sizes = {}
    for record in run(ground, "ls-tree", "-r", "-z", "-l", "--full-tree", ground.start).split(
        b"\0"
    ):
        described, _, path = record.partition(b"\t")
        if (size := described.split()[-1:]) and size[0].isdigit():
            sizes[os.fsdecode(path)] = int(size[0])
    return sizes


def size_of_file(place: Path) -> int | None:
    """Return the size of a file or link; None where there is no such thing."""
    try:
        found = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISDIR(found.st_mode) else found.st_size


def write_patch(ground: Ground) -> bytes:
    """Return the patch of what is in our index, a section each file. Raises WorkTooLarge."""
    patch = compare(ground)
    if not is_text(patch):
        (ground.own / "info" / "attributes").write_text(AS_BINARY)
        both = zip(split_sections(patch), split_sections(compare(ground)), strict=True)
        patch = b"".join(text if is_text(text) else binary for text, binary in both)
    if len(patch) > LARGEST_PATCH:
        raise WorkTooLarge(
            f"the patch has {len(patch) // MEGABYTE} MiB, more than {LARGEST_PATCH // MEGABYTE}"
        )
    return patch


def compare(ground: Ground) -> bytes:
    words = ("--cached", "--binary", "--full-index", "--no-renames", "--no-color")
    safe = ("--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
    return run(ground, "diff", *words, *safe, ground.start)


def is_text(patch: bytes) -> bool:
    """Say whether bytes can stand in a line of JSON as they are, for any reader."""
    try:
        return "\0" not in patch.decode()
    except UnicodeDecodeError:
        return False


def split_sections(patch: bytes) -> list[bytes]:
    """Split a patch that git wrote; no other line of one begins as that of a section does."""
    return re.split(rb"(?m)^(?=diff --git )", patch)[1:]

"""The search over a stream of paths and bytes: what shows a fix, and where. Pure but for git."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.leaks.archives import LARGEST, members
from harness.leaks.history import Object, faults, read_objects, split_git_path
from syntax.needles import (
    FEWEST_CONSTANTS,
    NeedleIndex,
    Needles,
    Window,
    found_in,
    is_twin,
    module_name,
)

BYTECODE = (".pyc", ".pyo")
ANY_TASK = ""
"""Stands for all tasks: what is wrong with an environment is wrong for each."""
TWIN = "twin"
"""Code of the project itself that does the same elsewhere (a sync and an async client), as all who
work on it can see. It is told, and is no leak.
"""

File = tuple[str, bytes]


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Something that shows a fix, or that could: where, and what. ``task`` is empty for all."""

    task: str
    kind: str
    path: str
    detail: str = ""


@dataclass(slots=True)
class Searched:
    """What is known until the whole stream was seen."""

    gits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    compiled: list[tuple[str, str]] = field(default_factory=list)
    """Byte-code of changed modules, by path and task."""
    own: set[bytes] = field(default_factory=set)
    """Digests of the files of the work tree."""


def search(
    files: Iterable[File], index: NeedleIndex, *, tree: str | None = None, known: bool = False
) -> Iterator[Leak]:
    """Yield what files show of the fixes.

    ``tree`` is the folder of the work tree; its git may hold one commit and nothing besides. With
    ``known`` that tree is the environment's own, which is without the bug and is replaced by what
    a solver starts from: then its git alone is looked at.
    """
    seen = Searched()
    for path, content in files:
        if place := split_git_path(path):
            seen.gits.setdefault(place[0], {})[place[1]] = content
        elif not (known and is_below(path, tree)):
            own = is_below(path, tree)
            if own:
                seen.own.add(digest(content))
            yield from search_file(path, content, index, seen, own=own)
    yield from search_orphan_bytecode(seen, index, tree)
    for folder, held in sorted(seen.gits.items()):
        own = tree is not None and folder == join_path(tree, ".git")
        yield from search_git(folder, held, index, seen, strict=own, texts=not (own and known))


def is_below(path: str, tree: str | None) -> bool:
    """Say whether a file is in the work tree."""
    return tree is not None and (not tree or path.startswith(f"{tree}/"))


def join_path(folder: str, name: str) -> str:
    """Return the path of a name in a folder, which may be the top."""
    return f"{folder}/{name}" if folder else name


def search_file(
    path: str, content: bytes, index: NeedleIndex, seen: Searched, *, own: bool
) -> Iterator[Leak]:
    """Yield what one file shows: its text, or that of its members; ``own`` is the work tree's."""
    if path.endswith(".py"):
        seen.sources.add(path)
    if path.endswith(BYTECODE):
        seen.compiled += [(path, task) for task in find_compiled_tasks(path, content, index)]
        return
    for task, window in found_in(index, content[:LARGEST]).items():
        kind = TWIN if own and is_twin(index.of(task), path, content) else "text"
        yield Leak(task, kind, path, format_window(window))
    for name, data in members(path, content):
        if name.endswith(BYTECODE):
            for task in find_compiled_tasks(name, data, index):
                yield Leak(task, "bytecode", name, "compiled from a changed file, in an archive")
        else:
            for task, window in found_in(index, data).items():
                yield Leak(task, "archive", name, format_window(window))


def find_compiled_tasks(path: str, content: bytes, index: NeedleIndex) -> Iterator[str]:
    """Yield the tasks of whose changed files this may be the byte-code.

    By the path that compiled code keeps of its source, or by names and texts that it keeps and
    that only the code without the bug has. It is not loaded: what comes is not trusted.
    """
    stem = path.rpartition("/")[2].partition(".")[0]
    told = {each.task for each in index.tails.get(stem, ()) if keeps_path(content, each, stem)}
    told |= {each.task for each in index.needles if keeps_constants(content, each)}
    yield from sorted(told)


def keeps_path(content: bytes, needles: Needles, stem: str) -> bool:
    """Say whether compiled code names a changed file as its source."""
    for path in needles.modules:
        tail = "/".join(path.split("/")[-2:])
        if module_name(path) == stem and tail.encode("utf-8", "surrogateescape") in content:
            return True
    return False


def keeps_constants(content: bytes, needles: Needles) -> bool:
    """Say whether compiled code has all that only the code without the bug has."""
    constants = needles.constants
    return len(constants) >= FEWEST_CONSTANTS and all(each in content for each in constants)


def search_orphan_bytecode(seen: Searched, index: NeedleIndex, tree: str | None) -> Iterator[Leak]:
    """Yield byte-code that no source beside it explains, and all of a changed file itself.

    Where another copy's source lies beside it, that is what was searched. The changed file has the
    bug now, and its byte-code may be of before.
    """
    own = {
        each.task: {join_path(tree or "", path) for path in each.modules} for each in index.needles
    }
    for path, task in seen.compiled:
        source = source_of(path)
        if source not in seen.sources or (tree is not None and source in own[task]):
            yield Leak(task, "bytecode", path, "compiled from a changed file")


def source_of(path: str) -> str:
    """Return where the source of byte-code lies, by its name."""
    folder, _, name = path.rpartition("/")
    folder = folder.removesuffix("__pycache__").rstrip("/")
    return join_path(folder, f"{name.partition('.')[0]}.py")


def search_git(
    folder: str,
    files: dict[str, bytes],
    index: NeedleIndex,
    seen: Searched,
    *,
    strict: bool,
    texts: bool,
) -> Iterator[Leak]:
    """Yield what a git directory shows: its history where it is the work tree's, and any text.

    What is stored of files that lie in the work tree was searched there.
    """
    objects, broken = read_objects(files)
    if broken:
        yield Leak(ANY_TASK, "git-unreadable", folder, broken[:200])
        return
    if strict:
        for kind, detail in faults(files, objects):
            yield Leak(ANY_TASK, kind, folder, detail)
    if texts:
        new = [each for each in objects if digest(each[2]) not in seen.own]
        yield from search_objects(folder, new, index)


def search_objects(folder: str, objects: list[Object], index: NeedleIndex) -> Iterator[Leak]:
    """Yield the fixes that stored files and messages hold."""
    for kind, name, content in objects:
        if kind in ("blob", "commit", "tag"):
            for task, window in found_in(index, content[:LARGEST]).items():
                yield Leak(
                    task, "git-object", f"{folder} {kind} {name[:12]}", format_window(window)
                )


def digest(content: bytes) -> bytes:
    """Return what a content is known by."""
    return hashlib.sha256(content).digest()


def format_window(window: Window) -> str:
    """Return what was found, for a person."""
    return b" | ".join(window).decode("utf-8", "replace")[:160]

"""Candidate bugs on their way, with the unbroken files that they change."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forge.remote.batch.line_files import convert, read_lines
from forge.run.nouns import format_count
from storage.errors import BatchError, PatchError
from storage.layouts import list_attribute_paths
from storage.records import Bug
from syntax.patch_text import apply_patch

KIND = "bugs"
MOST_BUGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bugs:
    """Bugs of one tree, in order, and what they change."""

    tree: str
    bugs: tuple[Bug, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path to unbroken content."""

    def read_file(self, path: str) -> bytes | None:
        """Return a file as it is without any bug; None where there is none."""
        return self.files.get(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """One unbroken file."""

    path: str
    content: str
    """Base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugFileHeader:
    """What the lines after it are."""

    tree: str
    files: int
    bugs: int


def gather(tree: str, bugs: Sequence[Bug], read: Callable[[str], bytes | None]) -> Bugs:
    """Put bugs together with the files that they change. Raises BatchError for another tree's."""
    if any(bug.tree != tree for bug in bugs):
        raise BatchError("all bugs of a batch have to be of one tree")
    touched = {path for bug in bugs for path in list_touched_paths(bug, read)}
    # Attributes go along: they say how a changed file lies in the work tree.
    paths = sorted({*touched, *list_attribute_paths(touched)})
    found = {path: content for path in paths if (content := read(path)) is not None}
    return Bugs(tree=tree, bugs=tuple(bugs), files=found)


def list_touched_paths(bug: Bug, read: Callable[[str], bytes | None]) -> set[str]:
    """Return the paths that are read when a bug's patch is applied, or that it changes."""
    asked: set[str] = set()

    def record_and_read(path: str) -> bytes | None:
        asked.add(path)
        return read(path)

    with suppress(PatchError):
        asked |= apply_patch(bug.patch, record_and_read).keys()
    return asked


def bug_lines(batch: Bugs) -> list[object]:
    """Return the lines of the file that holds them."""
    head = BugFileHeader(tree=batch.tree, files=len(batch.files), bugs=len(batch.bugs))
    files = [
        BatchFile(path=path, content=base64.b64encode(content).decode())
        for path, content in batch.files.items()
    ]
    return [head, *files, *batch.bugs]


def read_bugs(path: Path) -> Bugs:
    """Read the file that holds them. Raises BatchError."""
    lines = read_lines(path, KIND)
    head = convert(next(lines, {}), BugFileHeader, path.name)
    if not 0 <= head.bugs <= MOST_BUGS or head.files < 0:
        raise BatchError(f"{path.name} holds more bugs than {MOST_BUGS}")
    found = list(lines)
    if len(found) != head.files + head.bugs:
        held = format_count(len(found), "line")
        raise BatchError(f"{path.name} holds {held}, not {head.files + head.bugs}")
    files = [convert(line, BatchFile, path.name) for line in found[: head.files]]
    bugs = tuple(convert(line, Bug, path.name) for line in found[head.files :])
    if any(bug.tree != head.tree for bug in bugs) or len({bug.id for bug in bugs}) != len(bugs):
        raise BatchError(f"{path.name} holds a bug twice, or one of another tree")
    return Bugs(tree=head.tree, bugs=bugs, files=contents(files, path.name))


def contents(files: Sequence[BatchFile], what: str) -> dict[str, bytes]:
    """Decode the files. Raises BatchError."""
    try:
        return {file.path: base64.b64decode(file.content, validate=True) for file in files}
    except ValueError as error:
        raise BatchError(f"{what} holds a file that cannot be decoded: {error}") from error

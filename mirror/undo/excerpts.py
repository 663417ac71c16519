"""What of today's code a model is shown to undo a fix: the entities that the fix is about.

A small file is shown whole; of any other, its first lines and the functions, methods and classes
that the diff names, or that hold a line which the fix added, with a few lines around each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tree_sitter import Node

from storage.errors import PatchError
from syntax.languages import Language, language_of
from syntax.marked import DEFINITION, MarkedHunk, marked_hunks
from syntax.paths import is_source_path
from syntax.text import Text

WHOLE_FILE = 6000
"""Bytes up to which a file is shown whole."""
TOTAL = 60_000
"""Bytes of all that is shown."""
AROUND = 3
HEAD = 40
"""Lines from the top of a file: its imports."""
WHOLE_CLASS = 60
"""Lines up to which a class is shown with its methods; of a longer one the head alone."""
MOST_HOMONYMS = 3
TELLING = 12
"""Characters of a line that may be taken for the same line elsewhere."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A function, method or class, by qualified name, with its lines (from 0, exclusive)."""

    name: str
    first: int
    last: int
    body: int
    """The first line of the first entity within it, or ``last``."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Consecutive lines of a file; ``first`` is counted from 1."""

    path: str
    first: int
    text: str
    whole: bool


def excerpts(
    files: Mapping[str, bytes], diff: str, named: Mapping[str, Collection[str]]
) -> list[Excerpt]:
    """Return what is to be shown of the source files; nothing when none of the fix is found.

    ``named`` gives, by path, qualified names of entities that matter and that the diff may not
    lead to, such as those that were renamed.
    """
    try:
        hunks = [h for h in marked_hunks(diff) if is_source_path(h.path)]
    except PatchError:
        hunks = []
    found: list[Excerpt] = []
    left = TOTAL
    for path in sorted(p for p in files if is_source_path(p)):
        for excerpt in of_file(path, files[path], find_hunks(path, hunks), named.get(path, ())):
            size = len(excerpt.text)
            if size <= left:
                found.append(excerpt)
                left -= size
    return found


def find_hunks(path: str, hunks: Sequence[MarkedHunk]) -> list[MarkedHunk]:
    """Return the hunks of a file: by its path, else by its name alone, else all of them."""
    name = PurePosixPath(path).name
    own = [h for h in hunks if h.path == path]
    return own or [h for h in hunks if PurePosixPath(h.path).name == name] or list(hunks)


def of_file(
    path: str, data: bytes, hunks: Sequence[MarkedHunk], named: Collection[str]
) -> list[Excerpt]:
    """Return what is shown of one file."""
    text = Text.of(data)
    if len(data) <= WHOLE_FILE:
        return [Excerpt(path, 1, readable(data), whole=True)] if data.strip() else []
    language = language_of(path)
    known = entities(language, data) if language else []
    ranges = choose_ranges(text, known, hunks, named)
    if not ranges:
        return []
    top = min([HEAD, *(e.first for e in known)])
    return [
        Excerpt(path, low + 1, readable(b"".join(text.lines(low, high))), whole=False)
        for low, high in merge_ranges([(0, top), *ranges], len(text.starts))
    ]


def choose_ranges(
    text: Text, known: Sequence[Entity], hunks: Sequence[MarkedHunk], named: Collection[str]
) -> list[tuple[int, int]]:
    """Return the ranges of lines that matter."""
    names = {match[1] for line in definitions(hunks) if (match := DEFINITION.match(line))}
    found = [find_visible_lines(e) for e in known if e.name in named or is_meant(e, known, names)]
    added = {line.strip() for hunk in hunks for line in hunk.select_lines("+")}
    added = {line for line in added if len(line) >= TELLING}
    for number, line in enumerate(text.lines(0, len(text.starts))):
        if line.strip().decode("utf-8", "replace") in added:
            around = [e for e in known if e.first <= number < e.last]
            # The innermost comes last, since entities are in the order of the text.
            found.append(find_visible_lines(around[-1]) if around else (number, number + 1))
            found.append((number, number + 1))
    return found or [find_visible_lines(e) for e in known if e.name.rsplit(".", 1)[-1] in names]


def is_meant(entity: Entity, known: Sequence[Entity], names: Collection[str]) -> bool:
    """Say whether a diff that names these definitions means an entity.

    A name that many have, as ``__init__``, means those alone whose class is named as well.
    """
    *around, own = entity.name.split(".")
    if own not in names:
        return False
    homonyms = sum(other.name.rsplit(".", 1)[-1] == own for other in known)
    return homonyms <= MOST_HOMONYMS or any(name in names for name in around)


def definitions(hunks: Sequence[MarkedHunk]) -> Iterator[str]:
    """Yield the lines of hunks that may begin an entity the fix is about.

    Of the unchanged lines, with git's guess of what is around, the last two before a change: a
    method and its class.
    """
    for hunk in hunks:
        around = [hunk.heading]
        for mark, line in hunk.lines:
            if mark == " ":
                around += [line] * bool(DEFINITION.match(line))
                continue
            yield from around[-2:]
            yield line


def find_visible_lines(entity: Entity) -> tuple[int, int]:
    """Return the lines of an entity that are shown."""
    long = entity.last - entity.first > WHOLE_CLASS
    return entity.first, entity.body if long else entity.last


def merge_ranges(ranges: Sequence[tuple[int, int]], total: int) -> Iterator[tuple[int, int]]:
    """Widen ranges by a few lines, and join those that meet."""
    low, high = 0, 0
    for first, last in sorted(ranges):
        first, last = max(first - AROUND, 0), min(last + AROUND, total)
        if first > high:
            if high > low:
                yield low, high
            low = first
        high = max(high, last)
    if high > low:
        yield low, high


def entities(language: Language, data: bytes) -> list[Entity]:
    """Return the entities of a file, in the order of its text."""
    found: list[Entity] = []
    stack: list[tuple[Node, str]] = [(language.parse(data), "")]
    while stack:
        node, around = stack.pop()
        name = node.child_by_field_name("name")
        if language.words.get(node.type) in ("function", "class") and name is not None:
            own = data[name.start_byte : name.end_byte].decode("utf-8", "replace")
            around = f"{around}.{own}" if around else own
            found.append(entity(node, around, language))
        stack += [(child, around) for child in reversed(node.named_children)]
    return found


def entity(node: Node, name: str, language: Language) -> Entity:
    """Return the entity of a definition, its decorators included."""
    parent = node.parent
    whole = parent if parent is not None and parent.type == "decorated_definition" else node
    last = whole.end_point.row + 1
    body = last
    if language.words.get(node.type) == "class":
        block = node.child_by_field_name("body")
        inner = block.named_children if block is not None else []
        body = next((c.start_point.row for c in inner if is_entity(c, language)), last)
    return Entity(name, whole.start_point.row, last, body)


def is_entity(node: Node, language: Language) -> bool:
    """Say whether a node defines a function or class, with decorators or without."""
    return node.type == "decorated_definition" or (
        language.words.get(node.type) in ("function", "class")
    )


def readable(data: bytes) -> str:
    """Return text that any encoder takes, with plain line ends."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")

"""What a fix can be found by: lines in a row that only the code without the bug has. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

WORD = re.compile(rb"[A-Za-z_]\w+")
STRING = re.compile(rb"""(?<![\w\\])(["'])([^"'\\\n]{4,80})\1""")
IN_A_ROW = 3
"""Lines that make a window: the line of a fix alone may stand in any code."""
SHORTEST_WINDOW = 24
FEWEST_WORDS = 3
SHORTEST_WORD = 3
"""Shorter names are anybody's: ``lo`` and ``hi`` stand in every binary search."""
COMMON = frozenset({*(word.encode() for word in keyword.kwlist), b"self", b"cls"})
SHORTEST_CONSTANT = 6
FEWEST_CONSTANTS = 2
LINE_END = re.compile(rb"\r\n|\n|\r|\\r\\n|\\n")
"""Line ends, those written out inside a string (JSON) too."""

Window = tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needles:
    """What one task's fix can be found by."""

    task: str
    windows: frozenset[Window]
    """Lines in a row, blanks around them taken off, that the files have without the bug alone."""
    wholes: Mapping[str, frozenset[Window]] = field(default_factory=dict)
    """All lines in a row of each file without the bug, by its path: what a copy has most of."""
    modules: frozenset[str] = frozenset()
    """Paths of the changed Python files."""
    constants: frozenset[bytes] = frozenset()
    """Names and texts that compiled code keeps, and that only the code without the bug has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The needles of many tasks, found by one look at each line."""

    middles: Mapping[bytes, tuple[tuple[Window, str], ...]]
    needles: tuple[Needles, ...]
    tails: Mapping[str, tuple[Needles, ...]] = field(default_factory=dict)
    """Needles by the names of their modules, as ``clamp``."""


def needles_of(
    task: str, clean: Mapping[str, bytes | None], found: Mapping[str, bytes | None]
) -> Needles:
    """Return what a task's fix can be found by.

    ``clean`` holds files as they are without the bug, tests that a solver does not see included;
    ``found`` the same files as a solver finds them. None where a file is not there.
    """
    windows: set[Window] = set()
    wholes: dict[str, frozenset[Window]] = {}
    constants: set[bytes] = set()
    for path, content in clean.items():
        if content is None:
            continue
        before = found.get(path) or b""
        wholes[path] = frozenset(windows_of(lines_of(content)))
        windows |= telling(set(windows_of(lines_of(content))) - set(windows_of(lines_of(before))))
        if path.endswith(".py"):
            constants |= constants_of(content) - constants_of(before)
    modules = frozenset(path for path in clean if path.endswith(".py") and clean[path] is not None)
    return Needles(
        task=task,
        windows=frozenset(windows),
        wholes=wholes,
        modules=modules,
        constants=frozenset(each for each in constants if len(each) >= SHORTEST_CONSTANT),
    )


def index_of(needles: Sequence[Needles]) -> Index:
    """Put the needles of tasks together."""
    middles: dict[bytes, list[tuple[Window, str]]] = {}
    tails: dict[str, list[Needles]] = {}
    for each in needles:
        for window in sorted(each.windows):
            middles.setdefault(middle(window), []).append((window, each.task))
        for name in sorted({module_name(path) for path in each.modules}):
            tails.setdefault(name, []).append(each)
    return Index(
        middles={line: tuple(found) for line, found in middles.items()},
        needles=tuple(needles),
        tails={name: tuple(found) for name, found in tails.items()},
    )


def module_name(path: str) -> str:
    """Return the name that byte-code of a file goes by."""
    return path.rpartition("/")[2].removesuffix(".py")


def middle(window: Window) -> bytes:
    """Return the line of a window that it is looked for by."""
    return window[len(window) // 2]


def found_in(index: Index, content: bytes) -> dict[str, Window]:
    """Return the tasks whose fix a text holds, each with lines that show it."""
    lines = lines_of(content)
    found: dict[str, Window] = {}
    for at, line in enumerate(lines):
        for window, task in index.middles.get(line, ()):
            first = at - len(window) // 2
            if first >= 0 and tuple(lines[first : first + len(window)]) == window:
                found.setdefault(task, window)
    return found


def is_copy(needles: Needles, path: str, content: bytes) -> bool:
    """Say whether a text has half of a changed file at least, of another one than itself."""
    held = set(windows_of(lines_of(content)))
    return any(
        whole and 2 * len(whole & held) >= len(whole)
        for name, whole in needles.wholes.items()
        if path != name and not path.endswith(f"/{name}")
    )


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a text that are not blank, without what stands around them."""
    return [line for each in LINE_END.split(content) if (line := each.strip())]


def windows_of(lines: Sequence[bytes]) -> Iterator[Window]:
    """Yield every few lines in a row; all where there are fewer."""
    for at in range(max(1, len(lines) - IN_A_ROW + 1)):
        if window := tuple(lines[at : at + IN_A_ROW]):
            yield window


def telling(windows: set[Window]) -> set[Window]:
    """Return the windows that could not stand in any code."""
    return {
        window
        for window in windows
        if len(b"".join(window)) >= SHORTEST_WINDOW
        and len(set(words_of(window)) - COMMON) >= FEWEST_WORDS
    }


def words_of(window: Window) -> Iterator[bytes]:
    """Yield the words of some lines that are long enough to tell."""
    yield from (word for word in WORD.findall(b" ".join(window)) if len(word) >= SHORTEST_WORD)


def constants_of(source: bytes) -> set[bytes]:
    """Return the words and short texts of a source, as compiled code keeps them."""
    return set(WORD.findall(source)) | {match[2] for match in STRING.finditer(source)}

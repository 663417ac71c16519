"""What a fix can be found by: lines in a row that only the code without the bug has. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath

WORD = re.compile(rb"[A-Za-z_]\w+")
STRING = re.compile(rb"""(?<![\w\\])(["'])([^"'\\\n]{4,80})\1""")
IN_A_ROW = 3
"""Lines that make a window: the line of a fix alone may stand in any code."""
SHORTEST_WINDOW = 24
FEWEST_WORDS = 3
SURE_WORDS = 5
"""Lines with fewer words are an idiom that anybody writes; they tell with a line beside them."""
SHORTEST_WORD = 3
"""Shorter names are anybody's: ``lo`` and ``hi`` stand in every binary search."""
COMMON = frozenset({*(word.encode() for word in keyword.kwlist), b"self", b"cls"})
SHORTEST_CONSTANT = 6
FEWEST_CONSTANTS = 2
HUNK = re.compile(rb"(?:^|\\n|\n)@@ -\d")
"""Where a change begins that a text quotes as a unified diff."""
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
class NeedleIndex:
    """The needles of many tasks, found by one look at each line."""

    middles: Mapping[bytes, tuple[tuple[Window, Needles], ...]]
    needles: tuple[Needles, ...]
    tails: Mapping[str, tuple[Needles, ...]] = field(default_factory=dict)
    """Needles by the names of their modules, as ``clamp``."""

    def of(self, task: str) -> Needles:
        """Return one task's needles."""
        return next(each for each in self.needles if each.task == task)


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
        wholes[path] = windows_in(content)
        windows |= keep_distinctive_windows(
            set(wholes[path].difference(windows_of(lines_of(before))))
        )
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


def index_of(needles: Sequence[Needles]) -> NeedleIndex:
    """Put the needles of tasks together."""
    middles: dict[bytes, list[tuple[Window, Needles]]] = {}
    tails: dict[str, list[Needles]] = {}
    for each in needles:
        for window in sorted(each.windows):
            middles.setdefault(middle(window), []).append((window, each))
        for name in sorted({module_name(path) for path in each.modules}):
            tails.setdefault(name, []).append(each)
    return NeedleIndex(
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


def found_in(index: NeedleIndex, content: bytes) -> dict[str, Window]:
    """Return the tasks whose fix a text holds, each with lines that show it.

    A text that quotes changes, as a diff does, is read by both of its sides too.
    """
    found: dict[str, Window] = {}
    for lines in (lines_of(content), *sides_of(content)):
        for at, line in enumerate(lines):
            for window, needles in index.middles.get(line, ()):
                if stands_at(lines, at - len(window) // 2, window, needles):
                    found.setdefault(needles.task, window)
    return found


def stands_at(lines: Sequence[bytes], first: int, window: Window, needles: Needles) -> bool:
    """Say whether a window stands at a line, and not by chance."""
    if first < 0 or tuple(lines[first : first + len(window)]) != window:
        return False
    if is_sure(window) or all(len(whole) < 2 for whole in needles.wholes.values()):
        return True
    beside = [tuple(lines[at : at + len(window)]) for at in (first - 1, first + 1) if at >= 0]
    return any(each in whole for whole in needles.wholes.values() for each in beside)


def is_sure(window: Window) -> bool:
    """Say whether a window has enough words of its own to tell alone."""
    return len(set(words_of(window)) - COMMON) >= SURE_WORDS


def sides_of(content: bytes) -> Iterator[list[bytes]]:
    """Yield the lines of both sides of each change that a text quotes."""
    if HUNK.search(content):
        lines = LINE_END.split(content)
        for sign in (b"+", b"-"):
            kept = (line[1:].strip() for line in lines if line[:1] in (sign, b" "))
            yield [line for line in kept if line]


def is_copy(needles: Needles, path: str, content: bytes) -> bool:
    """Say whether a text has half of a changed file at least, of another one than itself."""
    held = set(windows_of(lines_of(content)))
    return any(
        whole and 2 * len(whole & held) >= len(whole)
        for name, whole in needles.wholes.items()
        if path != name and not path.endswith(f"/{name}")
    )


def is_twin(needles: Needles, path: str, content: bytes) -> bool:
    """Say whether a file of the project shows a fix without being a copy of the changed file."""
    kinds = {PurePosixPath(module).suffix for module in needles.modules}
    return PurePosixPath(path).suffix in kinds and not is_copy(needles, path, content)


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a text that are not blank, without what stands around them."""
    return [line for each in LINE_END.split(content) if (line := each.strip())]


def windows_of(lines: Sequence[bytes]) -> Iterator[Window]:
    """Yield every few lines in a row; all where there are fewer."""
    for at in range(max(1, len(lines) - IN_A_ROW + 1)):
        if window := tuple(lines[at : at + IN_A_ROW]):
            yield window


@lru_cache(maxsize=64)
def windows_in(content: bytes) -> frozenset[Window]:
    """Return all lines in a row of a file; the tasks of one file share them: they are many."""
    return frozenset(windows_of(lines_of(content)))


def keep_distinctive_windows(windows: set[Window]) -> set[Window]:
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

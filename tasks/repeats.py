"""Code in a text that repeats the fix: lines, inline code, and whole diffs."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from storage.errors import PatchError
from syntax.marked import MarkedHunk, marked_hunks
from syntax.paths import is_test_path

JOINED = 5
"""A statement may be wrapped over so many lines, in the fix or in the text."""
SHORTEST = 10
"""Characters of a normal form; what is shorter says nothing."""
PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".po", ".lock", ".json"})
WORD = re.compile(r"[^\W\d]\w*|\d+")
COMMON = frozenset({*keyword.kwlist, "self", "cls", "this", "const", "let", "var", "func"})
NOT_CODE = re.compile(r"\s*(?:#|//|/?\*|import\s|from\s+[\w.]+\s+import\s)")
"""Comments, and imports: a snippet that shows the bug has imports of its own."""
PROMPT = re.compile(r"^(?:\s*(?:>{3}(?=\s)|\.{3}(?=\s)|>|\+))*\s*")
"""What may stand before a line of code: prompts, quotations, the mark of a diff."""
FRAME = re.compile(r"\W*File \".*\", line \d+")
INLINE = re.compile(r"(?<!`)(`{1,2})([^`\n]{3,300})\1(?!`)")


def normal(code: str) -> str:
    """Return a line of code without what layout and quotes change."""
    bare = "".join(code.split()).replace("'", '"').rstrip(",;")
    return bare.replace(",)", ")").replace(",]", "]").replace(",}", "}")


def is_trivial(code: str) -> bool:
    """Say whether a line could stand in any code: it names fewer than two things of its own."""
    own = set(WORD.findall(code)) - COMMON
    return len(own) < 2 or len(normal(code)) < SHORTEST or NOT_CODE.match(code) is not None


def added_code(diff: str) -> frozenset[str]:
    """Return what a fix added to the source, in normal form, and what was not there before.

    Code of the tests is left out: it often is the snippet from the issue. Raises nothing: a diff
    that cannot be read adds nothing.
    """
    try:
        return find_gained_lines(marked_hunks(diff))
    except PatchError:
        return frozenset()


def find_gained_lines(hunks: Iterable[MarkedHunk]) -> frozenset[str]:
    """Return what hunks add to the source, in normal form, and what was not there before."""
    added: set[str] = set()
    before: set[str] = set()
    for hunk in hunks:
        if not is_code(hunk.path):
            continue
        before.update(normal(joined) for joined, _ in windows(hunk.select_lines(" -")))
        for run in runs(hunk.lines):
            added.update(normal(joined) for joined, _ in windows(run) if not is_trivial(joined))
    return frozenset(added - before)


def is_code(path: str) -> bool:
    """Say whether a file's lines are code of the project, and none of its tests."""
    return not is_test_path(path) and PurePosixPath(path).suffix.lower() not in PROSE


def runs(lines: Sequence[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the added lines that stand together."""
    run: list[str] = []
    for mark, line in [*lines, (" ", "")]:
        if mark == "+":
            run.append(line)
        elif run and mark == " ":
            yield run
            run = []


def windows(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield every few consecutive lines as one, with their number."""
    for at in range(len(lines)):
        for count in range(1, min(JOINED, len(lines) - at) + 1):
            yield " ".join(line.strip() for line in lines[at : at + count]), count


def repeats(lines: Sequence[str], code: Collection[str]) -> list[bool]:
    """Say of each line whether it repeats code; what a traceback shows is no repetition."""
    found = [False] * len(lines)
    if not code:
        return found
    bare = [PROMPT.sub("", line) for line in lines]
    for at in range(len(lines)):
        if not lines[at].strip() or (at and FRAME.match(lines[at - 1])):
            continue
        for count in range(1, min(JOINED, len(lines) - at) + 1):
            forms = (" ".join(texts[at : at + count]) for texts in (bare, lines))
            if any(normal(form) in code for form in forms):
                found[at : at + count] = [True] * count
                break
    return found

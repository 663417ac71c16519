"""Statements that give the fix away: lines, names and runs of the fix that nothing public explains.

A user can know the documentation, public names, what tests print and use, and the code as it is
with the bug. What a text shares with the fix beyond that, it has from the fix.
"""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from storage.errors import PatchError
from syntax.marked import MarkedHunk, marked_hunks
from syntax.patch_text import apply_patch
from tasks.gates.subject import GateSubject, Rules
from tasks.likeness import TOKEN
from tasks.public import BUILTIN, as_text, words_of
from tasks.repeats import find_gained_lines, is_code, repeats

SHAPED = re.compile(r".*(?:[a-z0-9][A-Z]|_[a-z0-9]|[a-z]\d)", re.S)
"""A word that only code is written in: ``inner_name``, ``innerName``, ``utf8``."""
ERROR = re.compile(r"^.*\b\w*(?:Error|Exception|Warning)\b:? .*$", re.M)
"""What the program printed, the name that it misses perhaps: seen by everybody."""
SHORTEST_NAME = 4
RUN = 6
"""Tokens in a row that make a run; shorter ones are found in any two texts on the same thing."""
MANY_NAMES = 2
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class KnownFix:
    """What takes a bug out: the lines that it brings back, and the code as a solver finds it."""

    hunks: tuple[MarkedHunk, ...]
    found: str
    """The changed files with the bug in them."""

    @cached_property
    def lines(self) -> frozenset[str]:
        """What it adds, in normal form."""
        return find_gained_lines(self.hunks)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that only code has, and that are not in the changed files without it."""
        brought = words_of("\n".join(self.find_added_lines()))
        return frozenset(name for name in brought - words_of(self.found) - BUILTIN if is_name(name))

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """Its runs of tokens that are not in the changed files without it."""
        before = set(runs(self.found))
        return frozenset(each for line in self.find_added_lines() for each in runs(line)) - before

    def find_added_lines(self) -> Iterator[str]:
        """Yield the lines that it adds to code, those that stand together as one."""
        for hunk in self.hunks:
            if is_code(hunk.path):
                for mark, group in itertools.groupby(hunk.lines, key=lambda pair: pair[0]):
                    if mark == "+":
                        yield "\n".join(text for _, text in group)


def tells_the_fix(subject: GateSubject, rules: Rules) -> str:
    """Stop a task whose statement holds of the fix what a user cannot know."""
    fix = fix_of(subject)
    return describe_giveaway(subject.task.statement, fix, public_of(subject)) if fix else ""


def without_telling_hints(subject: GateSubject) -> GateSubject:
    """Return a task without those of its hints that give the fix away."""
    fix = fix_of(subject) if subject.task.hints else None
    if fix is None:
        return subject
    public = public_of(subject)
    found = {hint: describe_giveaway(hint, fix, public) for hint in subject.task.hints}
    if not any(found.values()):
        return subject
    task = replace(
        subject.task,
        hints=tuple(hint for hint in subject.task.hints if not found[hint]),
        removed=(
            *subject.task.removed,
            *(("hint-tells-the-fix", hint) for hint, why in found.items() if why),
        ),
    )
    return replace(subject, task=task)


def describe_giveaway(text: str, fix: KnownFix, public: Public) -> str:
    """Say what of a fix a text gives away; empty when it gives nothing away."""
    lines = text.splitlines()
    for line, repeated in zip(lines, repeats(lines, fix.lines), strict=True):
        if repeated:
            return f"it repeats the fix: {line.strip()[:120]}"
    held = (words_of(text) & fix.names) - words_of("\n".join(ERROR.findall(text)))
    names = sorted(held - public.words) if held else []
    if len(names) >= MANY_NAMES or (names and len(names) >= LARGEST_SHARE * len(fix.names)):
        return f"it names what only the fix has: {', '.join(names[:5])}"
    both = fix.runs & set(runs(text))
    shared = both - public.runs if both else both
    if fix.runs and len(shared) >= LARGEST_SHARE * len(fix.runs):
        return f"it has {len(shared)} of the {len(fix.runs)} runs of tokens that the fix adds"
    return ""


@dataclass(frozen=True)
class Public:
    """What explains that a text and a fix have something in common."""

    known: frozenset[str]
    """Words of the documentation, and public names."""
    shown: str
    """The failing tests, which say what is expected."""

    @cached_property
    def words(self) -> frozenset[str]:
        """All words that are explained."""
        return self.known | words_of(self.shown)

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """All runs that are explained."""
        return frozenset(runs(self.shown))


def fix_of(subject: GateSubject) -> KnownFix | None:
    """Return what takes a bug out; None where its patch cannot be read."""
    patch = subject.bug.patch
    try:
        hunks = tuple(reverse_hunk(hunk) for hunk in marked_hunks(patch))
        broken = apply_patch(patch, subject.tree.read)
    except PatchError:
        return None
    return KnownFix(hunks, "\n".join(as_text(content) for content in broken.values() if content))


def reverse_hunk(hunk: MarkedHunk) -> MarkedHunk:
    """Return a hunk the other way round."""
    marks = {"+": "-", "-": "+", " ": " "}
    return replace(hunk, lines=tuple((marks[mark], text) for mark, text in hunk.lines))


def public_of(subject: GateSubject) -> Public:
    """Return what is public of a task's repository, its failing tests included."""
    files = sorted({test.partition("::")[0] for test in subject.fail_to_pass})
    shown = [as_text(subject.tree.read(path) or b"") for path in files]
    return Public(subject.tree.public, "\n".join(shown))


def runs(text: str) -> Iterable[tuple[str, ...]]:
    """Yield every few tokens in a row that hold two names at least."""
    tokens = TOKEN.findall(text.replace("'", '"'))
    for at in range(len(tokens) - RUN + 1):
        run = tuple(tokens[at : at + RUN])
        names = {each for each in run if each.isidentifier() and not keyword.iskeyword(each)}
        if len(names) > 1:
            yield run


def is_name(word: str) -> bool:
    """Say whether a word is one that only code has."""
    return len(word) >= SHORTEST_NAME and SHAPED.match(word) is not None

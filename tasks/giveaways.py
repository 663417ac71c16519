"""What a problem statement must not hold: tests, changed code, the operator, how it was made.

Each is found by code, whatever the one who wrote the statement was told.
"""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from storage.errors import PatchError
from storage.records import Bug
from syntax.marked import marked_hunks
from syntax.paths import is_test_path

SHORTEST_LINE = 6
"""Characters besides blanks; what is shorter, or names nothing, could stand in any code."""
SHORTEST_NAME = 3
OWN_WORD = re.compile(r"[^\W\d]\w*|\d+")
COMMON = frozenset({*keyword.kwlist, "self", "cls"})
IMPORT = re.compile(r"\s*(?:import\s|from\s+[\w.]+\s+import\s)")
"""A script has imports of its own."""
ANY_TEST = frozenset({"test", "tests", "testing"})
WORDS = {
    "tells-how-it-was-made": re.compile(
        r"\bmutat(?:e[ds]?|ing|ions?|ors?)\b|\bmutants?\b|\binject(?:ed|ing|ion)\b"
        r"|\b(?:seeded|planted|synthetic|artificial|injected|introduced)\s+"
        r"(?:bug|fault|defect|error|mistake)s?\b"
        r"|\b(?:deliberately|intentionally|artificially|purposely)\s+"
        r"(?:added|broken|changed|inserted|introduced|removed)\b|\bbugfoundry\b",
        re.I,
    ),
    "speaks-of-tests": re.compile(
        r"\b(?:failing|failed|unit|regression|hidden|existing)[ -]tests?\b"
        r"|\btest[ -]?(?:suites?|cases?|files?|functions?)\b"
        r"|\b(?:the|its|your|their|these|all) tests\b|\btests?\s+(?:now\s+)?(?:fail|pass)\w*"
        r"|\bpytest\b|\bFAIL_TO_PASS\b|\bPASS_TO_PASS\b",
        re.I,
    ),
}
"""Kinds of words; one that the project itself uses of what it does may be used of it."""
ALWAYS = {
    "tells-the-fix": re.compile(
        r"\bthe (?:fix|solution|patch) (?:is|would be|should be)\b|\bcan be fixed by\b"
        r"|\bto fix (?:this|it|the (?:bug|issue|problem))\b|^(?:diff --git |@@ -|[+-]{3} [ab]/)",
        re.I | re.M,
    ),
    "names-a-line": re.compile(r"\.py[\"'`]?(?:\s*,\s*|\s+on\s+|\s+at\s+|\s+)lines?\s+\d|\.py:\d"),
    "holds-marks": re.compile(r"</?data-[0-9a-f]{16}>"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What a statement on a bug must not hold."""

    tests: tuple[str, ...] = ()
    """Ids of the failing tests."""
    lines: tuple[str, ...] = ()
    """Lines that the bug takes away or adds."""
    paths: tuple[str, ...] = ()
    """Files that it changes."""
    operator: str = ""
    interface: str = ""
    """What is documented of the changed code."""
    readme: str = ""


@dataclass(frozen=True, slots=True)
class Giveaway:
    """Something that a text holds and must not. ``text`` is of the text itself."""

    kind: str
    text: str


def secrets_of(
    bug: Bug, failing: Iterable[str], *, interface: str = "", readme: str = ""
) -> Secrets:
    """Return what a statement on a bug must not hold.

    The operator of a mirrored bug is how it was undone, a common word that tells nothing.
    """
    try:
        hunks = marked_hunks(bug.patch)
    except PatchError:
        hunks = []
    return Secrets(
        tests=tuple(failing),
        lines=tuple(dict.fromkeys(line for hunk in hunks for line in hunk.select_lines("+-"))),
        paths=tuple(sorted({change.path for change in bug.changes})),
        operator="" if bug.origin.strategy == "mirror" else bug.origin.operator,
        interface=interface,
        readme=readme,
    )


def leaks(text: str, secrets: Secrets) -> list[Giveaway]:
    """Return what a text holds of tests, changed code and changed files."""
    found = [
        Giveaway("names-a-test", name)
        for name in find_held_names(text, names_of_tests(secrets.tests))
    ]
    found += [Giveaway("shows-changed-code", line) for line in held_lines(text, secrets.lines)]
    return found + [
        Giveaway("names-a-changed-file", path) for path in find_held_names(text, secrets.paths)
    ]


def giveaways(text: str, secrets: Secrets) -> list[Giveaway]:
    """Return what a text holds of the secrets, and words that no user would write."""
    found = leaks(text, secrets)
    if secrets.operator and (match := operator_pattern(secrets.operator).search(text)):
        found.append(Giveaway("names-the-operator", match[0]))
    for kind, pattern in WORDS.items():
        own = own_words(kind, secrets)
        matches = (match for match in pattern.finditer(text) if match[0].casefold() not in own)
        found += [Giveaway(kind, match[0]) for match in itertools.islice(matches, 1)]
    for kind, pattern in ALWAYS.items():
        if match := pattern.search(text):
            found.append(Giveaway(kind, match[0].strip()))
    return found


def own_words(kind: str, secrets: Secrets) -> str:
    """Return where a word of some kind is the project's own; every README tells how to test."""
    readme = "" if kind == "speaks-of-tests" else secrets.readme
    return f"{secrets.interface}\n{readme}".casefold()


def find_held_names(text: str, names: Iterable[str]) -> list[str]:
    """Return those of the names that a text holds, however written."""
    folded = text.casefold()
    return [name for name in names if name.casefold() in folded]


def names_of_tests(tests: Iterable[str]) -> list[str]:
    """Return all that tests can be known by, the longest first: ids, paths, modules, names.

    A class that no name marks as one of tests may be named as the code is, and is left out; so
    is the name of a doctest, which is that of the code.
    """
    found: set[str] = set()
    for test in tests:
        path, *parts = test.split("::")
        found |= {test, *(file_names(path) if is_test_path(path) else ())}
        found |= {path} if "/" in path else set()
        for part in parts:
            name = part.partition("[")[0]
            if "." not in name and (part is parts[-1] or "test" in name.lower()):
                found.add(name)
    told = {name for name in found if len(name) >= SHORTEST_NAME and name.lower() not in ANY_TEST}
    return sorted(told, key=lambda name: (-len(name), name))


def file_names(path: str) -> Iterator[str]:
    """Yield what a file of tests is called: path, module, and its name where that says so."""
    place = PurePosixPath(path)
    yield from (path, path.removesuffix(".py").replace("/", "."))
    if "test" in place.stem.lower():
        yield from (place.name, place.stem)


def operator_pattern(operator: str) -> re.Pattern[str]:
    """Find an operator's name however its words are joined."""
    words = re.split(r"[\s_-]+", operator.strip())
    return re.compile(rf"(?<!\w){'[ _-]*'.join(map(re.escape, words))}(?!\w)", re.I)


def held_lines(text: str, lines: Iterable[str]) -> list[str]:
    """Return those of the lines that a text holds, wherever blanks and quotes stand."""
    whole = squash_code(text)
    return [line.strip() for line in lines if is_telling(line) and squash_code(line) in whole]


def squash_code(code: str) -> str:
    """Return code without what layout and quotes change."""
    return "".join(code.split()).replace("'", '"').casefold()


def is_telling(line: str) -> bool:
    """Say whether a line could not stand in any code."""
    own = set(OWN_WORD.findall(line)) - COMMON
    return bool(own) and len(squash_code(line)) >= SHORTEST_LINE and not IMPORT.match(line)

"""What a pull request's own diff says of its issues: new changelog entries and new tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from mirror.history.diffs import FileLines
from mirror.history.references import ENTRY, TEST, issue_numbers
from storage.records import Evidence, Link
from syntax.paths import is_test_path

PATHSPECS = (
    *(f":(glob,icase)**/*{name}*" for name in ("change", "history", "news", "release", "whats")),
    *(f":(glob,icase)**/*{name}*/**" for name in ("change", "news", "release", "whats")),
    ":(glob)**/*test*/**",
    ":(glob)**/*test*.py",
)
"""Where to look, wider than what counts."""

NAME = re.compile(
    r"(changes|change[-_]?log|history|version[-_]?history|news|what.?s[-_]?new|releases"
    r"|release[-_]?(notes|history))([-_.]?[\d.x]+)?",
    re.I,
)
FOLDER = re.compile(
    r"(changes|change[-_]?logs?|news|news[-_]?fragments|what.?s[-_]?new|release[-_]?notes)(\.d)?",
    re.I,
)
SUFFIXES = frozenset({"", ".md", ".rst", ".txt", ".adoc", ".yaml", ".yml"})
FRAGMENT = re.compile(r"(?:gh|issue|bug)?[-_#]?(?P<number>[1-9]\d{0,7})[.]", re.I)
"""Name of an entry in a file of its own, as towncrier has them: ``123.bugfix.rst``."""
MOST = 10
"""A diff that adds more issues than these is a release or a reordering, and tells of no fix."""


def is_changelog_path(path: str) -> bool:
    """Say whether people read there what changed: a changelog, or a folder of its entries."""
    place = PurePosixPath(path)
    if place.suffix.lower() not in SUFFIXES and not is_fragment(path):
        return False
    if is_test_path(path):
        return False
    return bool(NAME.fullmatch(place.stem)) or _in_folder(place)


def is_fragment(path: str) -> bool:
    """Say whether this is one entry in a file of its own, named for its issue."""
    place = PurePosixPath(path)
    return _in_folder(place) and place.suffix != ".py" and bool(FRAGMENT.match(place.name))


def _in_folder(place: PurePosixPath) -> bool:
    return any(FOLDER.fullmatch(part) for part in place.parts[:-1])


def diff_links(files: Iterable[FileLines], repository: str) -> Iterator[Link]:
    """Yield a link for each issue that the entries and tests added by a diff name."""
    files = list(files)
    yield from _links(_entries(files), repository, "changelog")
    yield from _links(_tests(files), repository, "test")


def _links(numbers: Iterable[int], repository: str, evidence: Evidence) -> Iterator[Link]:
    for number in sorted(numbers):
        yield Link(repository=repository, number=number, evidence=evidence)


def _entries(files: Iterable[FileLines]) -> set[int]:
    """Numbers that the changelog gained; what was only moved or reworded was there before."""
    added: set[int] = set()
    removed: set[int] = set()
    for file in files:
        if not is_changelog_path(file.path):
            continue
        added |= issue_numbers(file.added, ENTRY)
        removed |= issue_numbers(file.removed, ENTRY)
        name = FRAGMENT.match(PurePosixPath(file.path).name)
        if name and file.created and is_fragment(file.path):
            added.add(int(name["number"]))
    return added - removed if len(added - removed) <= MOST else set()


def _tests(files: Iterable[FileLines]) -> set[int]:
    found: set[int] = set()
    for file in files:
        if is_test_path(file.path) and file.path.endswith(".py"):
            found |= issue_numbers(file.added, TEST) - issue_numbers(file.removed, TEST)
    return found if len(found) <= MOST else set()

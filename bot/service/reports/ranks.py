"""Which of the bugs that no test noticed are the worst, and which tests stand nearest to each.

Worst are those that people once had and mended; then those in code that tests run without minding
what it does, which no measure of coverage shows; then those that no test runs. Among equals, what
others may call comes before what is private, and what many tests run before what few do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.runs.changes import changes
from harness.runs.selection import Coverage, find_noticing_tests
from storage.errors import PatchError
from storage.records import Bug
from syntax.patch_text import apply_patch

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A bug that no test noticed."""

    bug: Bug
    running: int
    """Tests that run what it changes; 0 too where that is not known."""
    nearest: str
    """The file of tests that is nearest to it; empty where there is none."""
    public: bool

    @property
    def place(self) -> tuple[str, str]:
        """The function it is in, by file and name."""
        return self.bug.origin.path, self.bug.origin.entity


def rank_gaps(bugs: Iterable[Bug], coverage: Coverage | None, read: Read) -> list[Gap]:
    """Return bugs as gaps, the worst first. A combination says nothing that its parts do not."""
    gaps = [gap_of(bug, coverage, read) for bug in bugs if bug.origin.strategy != "combine"]
    return sorted(gaps, key=badness)


def badness(gap: Gap) -> tuple[object, ...]:
    """Return a gap's place in the order of gaps, the worst first."""
    origin = gap.bug.origin
    return (
        origin.strategy != "mirror",
        gap.running == 0,
        not gap.public,
        -gap.running,
        origin.path,
        origin.line,
        gap.bug.id,
    )


def gap_of(bug: Bug, coverage: Coverage | None, read: Read) -> Gap:
    """Return what is known of a bug that no test noticed."""
    running = tests_running(bug, coverage, read)
    return Gap(
        bug=bug,
        running=len(running),
        nearest=nearest(bug.origin.path, running, coverage),
        public=is_public(bug.origin.path, bug.origin.entity),
    )


def tests_running(bug: Bug, coverage: Coverage | None, read: Read) -> frozenset[str]:
    """Return the tests that run what a bug changes, as far as that was seen."""
    if coverage is None:
        return frozenset()
    try:
        files = apply_patch(bug.patch, read)
    except PatchError:
        return frozenset()
    found: set[str] = set()
    for path, new in files.items():
        old = read(path)
        within = changes(old, new) if old is not None and new is not None else None
        for change in within or ():
            found |= find_noticing_tests(coverage.index, path, change)
    return frozenset(found)


def nearest(path: str, running: Iterable[str], coverage: Coverage | None) -> str:
    """Return the file of tests with the most tests that run a change, or anything in its file.

    Where none does, the one that is named for it.
    """
    found = commonest(running)
    if found or coverage is None:
        return found
    others = [test for tests, _ in coverage.index.lines.get(path, ()) for test in tests]
    return commonest(others) or named_for(path, sorted(coverage.index.tests_of))


def commonest(tests: Iterable[str]) -> str:
    """Return the file that most of the tests are in; of equals the first by name."""
    counts = Counter(test.partition("::")[0] for test in tests)
    return min(counts, key=lambda file: (-counts[file], file), default="")


def named_for(path: str, files: Sequence[str]) -> str:
    """Return the file of tests that is named for a source file, as ``test_x.py``."""
    parts = PurePosixPath(path)
    stem = parts.parent.name if parts.name == "__init__.py" else parts.stem
    wanted = {f"test_{stem}.py", f"{stem}_test.py"}
    return next((file for file in files if PurePosixPath(file).name in wanted), "")


def is_public(path: str, entity: str) -> bool:
    """Say whether others may call it: no part of its name begins with one underscore."""
    names = [*PurePosixPath(path).with_suffix("").parts, *entity.split(".")]
    return not any(name.startswith("_") and not name.startswith("__") for name in names)

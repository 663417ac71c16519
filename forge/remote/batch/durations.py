"""How long a bug will take to judge: from the tests that can notice it, and how long those take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from forge.remote.batch.bugs import Bugs
from harness.judge.trust import Audits
from harness.runs.selection import Coverage, Selection, select
from storage.errors import PatchError
from storage.records import Baseline, Bug
from syntax.patch_text import apply_patch

STARTS: Mapping[str, float] = {"swap": 0.05, "fork": 0.3, "fresh": 0.6}
"""Seconds until the first test runs, by path (docs/performance.md)."""
CONFIRMING = 0.5
"""Seconds to run what is red again, alone and in a fresh process."""
NOT_APPLYING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What judging one bug will take, of one worker."""

    seconds: float
    tests: int
    """Tests that will be run, those of the confirmation left out."""
    audited: bool = False
    """It is judged both ways."""


class Expecting:
    """Says what bugs will take in one environment."""

    def __init__(self, baseline: Baseline, coverage: Coverage | None) -> None:
        self._coverage = coverage
        self._seconds = {test.id: test.seconds for test in baseline.tests}
        self._whole = STARTS["fresh"] + max(baseline.seconds, sum(self._seconds.values()))
        self._count = len(baseline.tests)

    def expect(self, batch: Bugs, audits: Audits) -> list[Expected]:
        """Return what each bug of a batch will take, in their order."""
        return [self._expect(bug, batch, audits) for bug in batch.bugs]

    def _expect(self, bug: Bug, batch: Bugs, audits: Audits) -> Expected:
        try:
            files = apply_patch(bug.patch, batch.read_file)
        except PatchError:
            return Expected(seconds=NOT_APPLYING, tests=0)
        if self._coverage is None:
            return self._by_all()
        found = select(self._coverage, files, {path: batch.read_file(path) for path in files})
        if found.tests is None:
            return self._by_all()
        audited = audits(bug.id)
        some = self._by_some(found, found.tests)
        if not audited:
            return some
        whole = self._by_all()
        return Expected(
            seconds=some.seconds + whole.seconds, tests=some.tests + whole.tests, audited=True
        )

    def _by_all(self) -> Expected:
        return Expected(seconds=self._whole + CONFIRMING, tests=self._count)

    def _by_some(self, found: Selection, tests: Iterable[str]) -> Expected:
        seconds = [self._seconds[test] for test in tests]
        if not seconds and not found.everywhere:
            return Expected(seconds=NOT_APPLYING, tests=0)
        return Expected(seconds=STARTS[found.path] + sum(seconds) + CONFIRMING, tests=len(seconds))

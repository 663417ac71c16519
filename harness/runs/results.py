"""What came of a run of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import get_args

from harness.runs.selection import ExecutionTrace
from storage.records import Outcome

OUTCOMES: frozenset[str] = frozenset(get_args(Outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one test. ``detail`` is one line, as the code under test wrote it."""

    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    report: str = ""
    """Where it was asked for: what Python prints of the exception, the end of it."""


@dataclass(frozen=True, kw_only=True)
class SuiteRun:
    """One run of the suite, or of some of its tests."""

    results: Mapping[str, Result]
    collected: tuple[str, ...] | None
    """Ids in collection order; None when pytest died before it had collected."""
    collect_errors: tuple[tuple[str, str], ...] = ()
    collect_skips: tuple[tuple[str, str], ...] = ()
    """Modules that were skipped whole, and why."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Tests that the runner cannot run, as far as they can be shown, and why, in one word."""
    exhausted: bool = False
    """The time for the whole run was used up; tests without a result were not run."""
    stopped: bool = False
    """More tests were red than asked for, and the rest was not run."""
    restored: bool = True
    error: str = ""
    tail: str = ""
    """The end of pytest's output when it did not finish."""
    seconds: float = 0.0
    """Wall clock of the run."""
    path: str = "fresh"
    """The way by which the last process was started, and why not by a faster one."""
    why: str = ""
    clock: bool = False
    """Another clock was asked for, and could be had."""
    seen: Mapping[str, ExecutionTrace] = field(default_factory=dict)
    """What each test ran, where it was watched; what ran before the first is under ``""``."""

    @cached_property
    def _collected_ids(self) -> frozenset[str]:
        return frozenset(self.collected or ())

    def outcome(self, test: str) -> Outcome | None:
        """The test's outcome; ``missing`` when it was not collected, None when it was not run."""
        found = self.results.get(test)
        if found is not None:
            return found.outcome
        if test in self._collected_ids:
            return None
        return None if self.exhausted or self.stopped else "missing"

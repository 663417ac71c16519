"""What makes a verdict: pure decisions over outcomes, the same for judging and for grading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from harness.runner_archive import archive_hash
from harness.runs.suite import SuiteRun
from storage.records import RED

RULES = "3"
HARNESS_VERSION = f"{RULES}.{archive_hash()}"
"""Version of these rules, and of the runner: a verdict by others is not the same verdict."""

Status = Literal["red", "green", "neither"]


def status(run: SuiteRun, test: str) -> Status:
    """Judge one test that passed in the baseline.

    Failed, error, missing, timed out and crashed are red. Skipped, xfailed and what was never
    run are neither.
    """
    outcome = run.outcome(test)
    if outcome in RED:
        return "red"
    return "green" if outcome == "passed" else "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What the whole suite says of a bug. ``reason`` is empty when it must be confirmed."""

    reason: str
    red: tuple[str, ...]
    detail: str = ""


def screen(green: Sequence[str], run: SuiteRun) -> Screening:
    """Decide from one run of the whole suite with the bug; ``green`` is the baseline's."""
    red = tuple(test for test in green if status(run, test) == "red")
    if run.collected is None and not run.exhausted:
        return Screening(reason="breaks-everything", red=red, detail="nothing was collected")
    if run.stopped or len(red) * 2 > len(green):
        return Screening(reason="breaks-everything", red=red)
    if run.exhausted:
        return Screening(reason="timeout", red=red, detail="the time for the whole suite ran out")
    if not red:
        return Screening(reason="no-test-failed", red=())
    if all(run.outcome(test) == "timeout" for test in red):
        return Screening(reason="timeout", red=red)
    return Screening(reason="", red=red)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict's substance: the reason and the lists, each in baseline order."""

    reason: str
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    spilled: tuple[str, ...] = ()
    detail: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    """How many of FAIL_TO_PASS were red in which way."""
    messages: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What some of the failing tests said, for the problem statement; no part of the verdict."""


def decide(green: Sequence[str], whole: SuiteRun, alone: SuiteRun) -> Decision:
    """Decide a bug that passed screening from its red tests, each run again alone.

    A test green alone is *spilled*: in neither list. What is red both times is FAIL_TO_PASS;
    green tests of the whole run are PASS_TO_PASS.
    """
    red = [test for test in green if status(whole, test) == "red"]
    confirmed = tuple(test for test in red if status(alone, test) == "red")
    known = frozenset(confirmed)
    spilled = tuple(test for test in red if test not in known)
    if alone.exhausted:
        return Decision(reason="timeout", spilled=(), detail="confirmation ran out of time")
    if not red:
        return Decision(reason="no-test-failed")
    if not confirmed:
        return Decision(reason="spilled", spilled=spilled)
    if all(alone.outcome(test) == "timeout" for test in confirmed):
        return Decision(reason="timeout", spilled=spilled)
    passing = tuple(test for test in green if status(whole, test) == "green")
    return Decision(
        reason="valid",
        fail_to_pass=confirmed,
        pass_to_pass=passing,
        spilled=spilled,
        kinds=kinds_of(alone, confirmed),
    )


NO_IMPORT = re.compile(r"(?:\w+\.)*(?:ImportError|ModuleNotFoundError)\b")
KINDS: frozenset[str] = RED | {"import"}
"""Ways in which a test may be red."""


def kinds_of(run: SuiteRun, tests: Collection[str]) -> tuple[tuple[str, int], ...]:
    """Count in which ways tests are red; one that says that an import failed counts as such."""
    found: Counter[str] = Counter()
    for test in tests:
        outcome, result = str(run.outcome(test)), run.results.get(test)
        told = result.detail if result is not None and outcome in ("failed", "error") else ""
        found["import" if NO_IMPORT.match(told) else outcome] += 1
    return tuple(sorted(found.items()))


UNSTEADY_REASONS = frozenset({"valid", "no-test-failed", "spilled"})
"""Reasons between which a verdict may go by spilled tests alone."""


class VerdictLike(Protocol):
    """A decision, or the verdict that was made of it."""

    @property
    def reason(self) -> str: ...
    @property
    def fail_to_pass(self) -> tuple[str, ...]: ...
    @property
    def spilled(self) -> tuple[str, ...]: ...


def agree(one: VerdictLike, other: VerdictLike, set_aside: Collection[str] = ()) -> bool:
    """Say whether two decisions on a bug come to the same, spilled and unstable tests apart.

    PASS_TO_PASS is no part of it: the rest is the baseline's.
    """
    apart = {*set_aside, *one.spilled, *other.spilled}
    if one.reason != other.reason and not {one.reason, other.reason} <= UNSTEADY_REASONS:
        return False
    return set(one.fail_to_pass) - apart == set(other.fail_to_pass) - apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a patch achieved on a task."""

    resolved: bool
    fail_to_pass_green: tuple[str, ...]
    fail_to_pass_red: tuple[str, ...]
    pass_to_pass_red: tuple[str, ...]
    pass_to_pass_unrun: tuple[str, ...] = ()
    """Those of which nothing is known, since a FAIL_TO_PASS that is red had decided."""
    detail: str = ""
    taken_back: tuple[str, ...] = ()
    """What of the patch was put back before the tests ran, each as ``path: what``."""
    notes: tuple[str, ...] = ()
    """How the patch was read where git did not take it as it is."""


def grade(fail_to_pass: Collection[str], pass_to_pass: Collection[str], run: SuiteRun) -> Grade:
    """Grade a run: solved when every FAIL_TO_PASS is green and every PASS_TO_PASS is green."""
    fixed = tuple(test for test in fail_to_pass if status(run, test) == "green")
    broken = tuple(test for test in fail_to_pass if status(run, test) != "green")
    lost = tuple(test for test in pass_to_pass if status(run, test) != "green")
    return Grade(
        resolved=not broken and not lost,
        fail_to_pass_green=fixed,
        fail_to_pass_red=broken,
        pass_to_pass_red=lost,
        detail=run.error or ("the time ran out" if run.exhausted else ""),
    )

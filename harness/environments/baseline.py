"""What the tests say of the unbroken code: outcomes, durations, and which cannot be relied on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.environments.diagnosis import set_aside_for
from harness.environments.skips import MODULE, read_skips
from harness.runs.coverage import make_coverage
from harness.runs.selection import Coverage, files_of
from harness.runs.suite import Result, SuiteRun, run_suite
from harness.sandboxes.sandbox import BuildFailed, Channel, Sandbox
from storage.records import RED, Baseline, BaselineTest, Environment, Outcome

BAR_SHARE = 0.95
BAR_COUNT = 20
FIRST_TEST_TIMEOUT = 60.0
FIRST_TOTAL_TIMEOUT = 1200.0
LEAST_TEST_TIMEOUT = 10.0
LEAST_TOTAL_TIMEOUT = 600.0
SHORT_TEST_TIMEOUT = 1.0
HANG_LIMIT = 2
"""Tests that may hang in one run before it is given up: a number, so that a busy machine comes to
the same verdict as an idle one."""
SHOWN_FAILURES = 40
IMPATIENT_TIMEOUT = 15.0
"""Seconds a test may take once several have hung: without a network they do so by dozens."""
NOT_COLLECTED = "not-collected"
"""Why a file of tests is set aside that cannot be collected: it is named in place of its tests."""
FORK_SECONDS = 0.1
"""Seconds beside its own that a test may take in a process of its own, in a run of many such."""
MOST_COLLECTIONS = 100
"""Collections that tell which files are imported by which files of tests."""
NOT_RUN_ALONE = "not-run-alone"
"""Why a test is set aside for which the time did not suffice."""
LOST: Mapping[str, str] = {"timeout": "hangs", "crashed": "crashes"}
"""Outcomes of tests that are not run again, and why they are set aside."""


async def measure(
    sandbox: Sandbox,
    environment: Environment,
    *,
    runs: int = 2,
    on_first: Callable[[SuiteRun], None] = lambda run: None,
) -> tuple[Baseline, Coverage | None]:
    """Run the suite ``runs`` times whole and once with every test alone, which is watched.

    Returns what came of the tests, and what each that serves was seen to run.
    Tests that hang or take pytest down with them are left out after the first time, here and
    whenever the suite is run again. ``on_first`` is given the first run that passes the bar, and
    may raise BuildFailed, as is done with a named reason when the suite does not pass it.
    """
    args = environment.plan.pytest_args
    channel = await sandbox.runner()
    try:
        found = await run_whole_suite(channel, args)
        check_bar(found)
        on_first(found)
        lost = {test: result for test, result in found.results.items() if result.outcome in LOST}
        tests = [test for test in found.collected or () if test not in lost] if lost else None
        started = time.monotonic()
        first = await run_whole_suite(channel, args, tests) if lost else found
        seconds = round(time.monotonic() - started, 3) if lost else found.seconds
        again = [await run_whole_suite(channel, args, tests) for _ in range(runs - 1)]
        alone = await run_every_test_alone(channel, args, first)
        importers = await opened_by_file(channel, args, first)
    finally:
        await channel.close()
    measured = combine(environment.id, [first, *again], alone, seconds=seconds, place=sandbox.tree)
    excluded = map(make_excluded_test, lost.items())
    uncollected = (make_uncollected_file(path, "missing") for path, _ in found.collect_errors)
    skipped = (make_uncollected_file(path, "skipped") for path, _ in found.collect_skips)
    files = [file for file in (*uncollected, *skipped) if file.id]
    baseline = replace(measured, tests=(*measured.tests, *excluded, *files))
    return baseline, make_coverage(alone.seen, baseline.green, importers)


def make_excluded_test(item: tuple[str, Result]) -> BaselineTest:
    """A test that is not to be run."""
    test, result = item
    return BaselineTest(
        id=test, outcome=result.outcome, seconds=result.seconds, set_aside=LOST[result.outcome]
    )


def make_uncollected_file(path: str, outcome: Outcome) -> BaselineTest:
    """A file of tests, in place of them."""
    return BaselineTest(id=path, outcome=outcome, seconds=0.0, set_aside=NOT_COLLECTED)


def list_runnable_tests(baseline: Baseline) -> list[str] | None:
    """The tests to run when the suite is run whole; None for every test."""
    collected = [test for test in baseline.tests if test.set_aside != NOT_COLLECTED]
    kept = [test.id for test in collected if test.set_aside not in LOST.values()]
    return kept if len(kept) < len(collected) else None


async def run_whole_suite(
    channel: Channel, args: Sequence[str], tests: Sequence[str] | None = None
) -> SuiteRun:
    """One run of everything in one process, with generous limits that hanging tests lower."""
    return await run_suite(
        channel,
        args=args,
        tests=tests,
        test_timeout=FIRST_TEST_TIMEOUT,
        total_timeout=FIRST_TOTAL_TIMEOUT,
        impatient_timeout=IMPATIENT_TIMEOUT,
    )


async def run_every_test_alone(channel: Channel, args: Sequence[str], first: SuiteRun) -> SuiteRun:
    """One run with a process for each test, watched; what fails so is run again unwatched."""
    passed = [test for test, result in first.results.items() if result.outcome == "passed"]
    watched = await run_each_alone(channel, args, passed, watch=True)
    lost = [test for test in passed if watched.outcome(test) != "passed"]
    if not lost or watched.exhausted:
        return watched
    again = await run_each_alone(channel, args, lost, watch=False)
    unseen = frozenset(lost)
    seen = {test: seen for test, seen in watched.seen.items() if test not in unseen}
    return replace(watched, results={**watched.results, **again.results}, seen=seen)


async def run_each_alone(
    channel: Channel, args: Sequence[str], tests: Sequence[str], *, watch: bool
) -> SuiteRun:
    return await run_suite(
        channel,
        args=args,
        tests=tests,
        isolate=True,
        watch=watch,
        test_timeout=FIRST_TEST_TIMEOUT,
        total_timeout=FIRST_TOTAL_TIMEOUT + FORK_SECONDS * len(tests),
    )


async def opened_by_file(
    channel: Channel, args: Sequence[str], first: SuiteRun
) -> dict[str, frozenset[str]]:
    """Collect each file of tests alone; return the files of the tree that are opened until then.

    In company a file that others have imported before is not opened again. More than
    MOST_COLLECTIONS files are collected in groups, each with its neighbours: what one of them
    imports then counts for all of its group, so that tests too many are selected, and none too few.
    """
    found: dict[str, frozenset[str]] = {}
    files = sorted(files_of(first.results))
    size = -(-len(files) // MOST_COLLECTIONS)
    for start in range(0, len(files), size or 1):
        group = files[start : start + size]
        run = await run_suite(
            channel,
            args=args,
            tests=[],
            only_files=group,
            watch=True,
            path="fork",
            test_timeout=FIRST_TEST_TIMEOUT,
            total_timeout=FIRST_TOTAL_TIMEOUT,
        )
        if "" in run.seen and not run.seen[""].opaque:
            found |= dict.fromkeys(group, run.seen[""].opened)
    return found


def check_bar(run: SuiteRun) -> None:
    """Raise BuildFailed when a first run does not pass the bar."""
    if run.error:
        raise BuildFailed("runner-failed", run.error)
    if not run.restored:
        raise BuildFailed("tree-not-restored", "the tests change files that cannot be put back")
    if not run.collected:
        told = [f"{path}: {detail}" for path, detail in (*run.collect_errors, *run.collect_skips)]
        raise BuildFailed("no-tests", "\n".join([run.tail, *told]) or "no test was collected")
    counted = [
        result
        for result in run.results.values()
        if result.outcome != "skipped" and not (is_red(result) and set_aside_for(result.detail))
    ]
    passed = [result for result in counted if result.outcome in ("passed", "xfailed")]
    total = len(counted) + len(run.collect_errors)
    if run.exhausted:
        raise BuildFailed("timeout", f"the suite had not ended after {FIRST_TOTAL_TIMEOUT:.0f} s")
    if len(passed) < BAR_COUNT:
        raise BuildFailed(
            "too-few-pass",
            "\n".join([failures(run), *list_lacks(run), f"{len(passed)} pass, {BAR_COUNT} needed"]),
        )
    if len(passed) < BAR_SHARE * total:
        raise BuildFailed(
            "too-few-pass",
            failures(run) + f"\n{len(passed)} of {total} tests pass, {BAR_SHARE:.0%} needed",
        )


def list_lacks(run: SuiteRun) -> list[str]:
    """Say which modules skipped tests lack: they can be installed."""
    skips = (skip for skip in read_skips(run) if MODULE.search(skip.reason))
    return [f"{skip.count} x skipped: {skip.reason} ({skip.path})" for skip in skips]


def is_red(result: Result) -> bool:
    return result.outcome in RED


def failures(run: SuiteRun) -> str:
    """What failed, summed up: a line for each message, the most frequent first."""
    said: dict[str, list[str]] = {}
    for path, detail in run.collect_errors:
        said.setdefault(detail, []).append(path)
    for test, result in run.results.items():
        if is_red(result):
            said.setdefault(f"{result.outcome}: {result.detail}", []).append(test)
    ranked = sorted(said.items(), key=lambda item: -len(item[1]))[:SHOWN_FAILURES]
    return "\n".join(f"{len(tests)} x {message} ({tests[0]})" for message, tests in ranked)


def combine(
    environment: str, runs: Sequence[SuiteRun], alone: SuiteRun, *, seconds: float, place: str
) -> Baseline:
    """Set aside every test that is not green in each run, in company and alone.

    So are those whose ids name the ``place`` of the work tree: elsewhere they are other tests.
    """
    first = runs[0]
    order = first.collected or ()
    tests = [
        BaselineTest(
            id=test,
            outcome=first.outcome(test) or "missing",
            seconds=first.results[test].seconds if test in first.results else 0.0,
            set_aside="place-bound" if place in test else set_aside(test, runs, alone),
        )
        for test in order
    ]
    extra = {test for run in runs[1:] for test in run.collected or ()} - set(order)
    tests += [
        BaselineTest(id=test, outcome="missing", seconds=0.0, set_aside="unstable")
        for test in sorted(extra)
    ]
    tests += [
        BaselineTest(id=test, outcome="missing", seconds=0.0, set_aside=why)
        for test, why in first.left_out
    ]
    return Baseline(environment=environment, tests=tuple(tests), seconds=seconds, runs=len(runs))


def set_aside(test: str, runs: Sequence[SuiteRun], alone: SuiteRun) -> str:
    """Why a test can serve in no list; empty when it can, or when it simply does not pass."""
    outcomes = {run.outcome(test) for run in runs}
    if len(outcomes) > 1:
        return "unstable"
    if outcomes != {"passed"}:
        result = runs[0].results.get(test)
        return (result and is_red(result) and set_aside_for(result.detail)) or ""
    outcome = alone.outcome(test)
    if outcome is None:
        return NOT_RUN_ALONE
    return "" if outcome == "passed" else "company-only"


def test_timeout(baseline: Baseline) -> float:
    """Seconds one test may take with a bug: generous, so that no slow failure is cut off."""
    return max(LEAST_TEST_TIMEOUT, 10 * max(slowest(baseline), default=0.0))


def short_timeouts(baseline: Baseline) -> dict[str, float]:
    """Seconds for each test while a bug is screened: a verdict that hangs on them is not final."""
    return {test.id: SHORT_TEST_TIMEOUT + 10 * test.seconds for test in baseline.tests}


def slowest(baseline: Baseline) -> list[float]:
    return [test.seconds for test in baseline.tests if test.outcome == "passed"]


def collect_timeout(baseline: Baseline) -> float:
    """Seconds that collection may take with a bug: one that hangs at import is not to cost more."""
    return LEAST_TEST_TIMEOUT + 2 * baseline.seconds


def estimate_collection_seconds(baseline: Baseline) -> float:
    """Seconds of a whole run that no test takes: pytest's start, and collecting the tests."""
    return max(0.0, baseline.seconds - sum(test.seconds for test in baseline.tests))


def total_timeout(baseline: Baseline) -> float:
    """Seconds a whole run may take with a bug."""
    return max(LEAST_TOTAL_TIMEOUT, 20 * baseline.seconds)

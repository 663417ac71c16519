"""The engine on this machine: workers side by side, each with a sandbox of its own."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from harness.judge.judge import HARNESS_VERSION, Decision, agree, decide, screen, status
from harness.judge.trust import Audits, audit_first_and_sampled
from harness.judge.worker import Files, SandboxWorker, Terms
from harness.runs.selection import Coverage, Selection, select
from harness.runs.suite import Result, SuiteRun
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.errors import PatchError, SandboxError
from storage.nouns import format_count
from storage.records import Baseline, Bug, Environment, Verdict
from syntax.patch_text import apply_patch

TRIES = 2
MOST_MESSAGES = 10
"""Failing tests of a bug whose messages are kept until its verdict is known."""

MOST_HANGS_CHECKED = 3
"""Tests that hung with a bug and are run without it, to tell a hang from a machine that is busy."""
BUSY = "the machine is too busy: tests run out of their time without the bug, too"

WINDOW = 16
"""Bugs for each worker that wait to be handed out, the longest expected first."""


@dataclass(frozen=True, slots=True, order=True)
class QueuedBug:
    """A bug that waits; ``order`` is smaller the longer it is expected to take."""

    order: float
    number: int
    bug: Bug | None = field(compare=False)
    """None ends a worker."""
    files: Files = field(compare=False, default_factory=dict)
    selection: Selection | None = field(compare=False, default=None)
    fault: str = field(compare=False, default="")
    audited: bool = field(compare=False, default=False)
    """It is judged both ways."""


class LocalEngine:
    """Judges bugs in long-lived sandboxes on this machine.

    With ``coverage`` only the tests that can notice a bug are run. The first bugs (``judged``
    before) and a sample of the others, or those that ``audits`` names, are judged by the whole
    suite too; where the two disagree ``disagreed`` is told, and everything after that is judged by
    the whole suite. ``begun`` is given each bug when its turn comes, ``told`` what the first
    failing tests of a valid bug said, before its verdict.
    """

    def __init__(
        self,
        backend: Backend,
        environment: Environment,
        baseline: Baseline,
        *,
        workers: int,
        read: Callable[[str], bytes | None],
        limits: SandboxLimits,
        coverage: Coverage | None = None,
        judged: int = 0,
        audits: Audits | None = None,
        on_disagreement: Callable[[str], None] = lambda text: None,
        on_start: Callable[[Bug], None] = lambda bug: None,
        on_messages: Callable[[str, Mapping[str, str]], None] | None = None,
    ) -> None:
        self.mode = "full" if coverage is None else "selected"
        self.screened: Counter[str] = Counter()
        """How many bugs were screened by which path, by ``all`` tests or by ``none``."""
        self.tests_run = 0
        """Results of tests so far: of screening, auditing and confirming."""
        self._coverage = coverage
        self._audits = audits or audit_first_and_sampled(judged)
        self._on_disagreement = on_disagreement
        self._on_start = on_start
        self._on_messages = on_messages
        self._backend = backend
        self._environment = environment
        self._baseline = baseline
        self._terms = Terms(environment=environment, baseline=baseline, read=read)
        self._seconds = {test.id: test.seconds for test in baseline.tests}
        self._workers = workers
        self._read = read
        self._limits = limits

    async def judge(self, bugs: AsyncIterator[Bug]) -> AsyncGenerator[Verdict, None]:
        """Yield a verdict for each bug as it is known, in any order."""
        waiting: asyncio.Queue[QueuedBug] = asyncio.PriorityQueue(maxsize=WINDOW * self._workers)
        known: asyncio.Queue[Verdict | None] = asyncio.Queue()
        tasks = [asyncio.ensure_future(self._feed_jobs(bugs, waiting))]
        tasks += [asyncio.ensure_future(self._work(waiting, known)) for _ in range(self._workers)]
        try:
            running = self._workers
            while running:
                taken = asyncio.ensure_future(known.get())
                await asyncio.wait([taken, *tasks], return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
                tasks = [task for task in tasks if not task.done()]
                if not taken.done():
                    taken.cancel()
                    if not tasks and known.empty():
                        break
                    continue
                verdict = taken.result()
                if verdict is None:
                    running -= 1
                else:
                    yield verdict
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed_jobs(self, bugs: AsyncIterator[Bug], waiting: asyncio.Queue[QueuedBug]) -> None:
        number = 0
        async for bug in bugs:
            await waiting.put(self._job(number, bug))
            number += 1
        for _ in range(self._workers):
            await waiting.put(QueuedBug(math.inf, number, None))

    def _job(self, number: int, bug: Bug) -> QueuedBug:
        """Find out what a bug changes, which tests can notice it, and how long those take."""
        try:
            files = apply_patch(bug.patch, self._read)
        except PatchError as error:
            return QueuedBug(0.0, number, bug, fault=str(error))
        selection, tests = None, None
        if self._coverage is not None:
            selection = select(self._coverage, files, {path: self._read(path) for path in files})
            tests = selection.tests
        seconds = self._seconds if tests is None else {t: self._seconds[t] for t in tests}
        audited = tests is not None and self._audits(bug.id)
        return QueuedBug(-sum(seconds.values()), number, bug, files, selection, audited=audited)

    async def _work(
        self, waiting: asyncio.Queue[QueuedBug], known: asyncio.Queue[Verdict | None]
    ) -> None:
        worker = SandboxWorker(self._backend, self._environment, self._limits)
        try:
            while (job := await waiting.get()).bug is not None:
                self._on_start(job.bug)
                await known.put(await self._verdict(worker, job, job.bug))
        finally:
            await to_the_end(worker.discard())
        await known.put(None)

    async def _verdict(self, worker: SandboxWorker, job: QueuedBug, bug: Bug) -> Verdict:
        started = time.monotonic()
        decision = await self._decide(worker, job, bug)
        if self._on_messages is not None and decision.reason == "valid":
            self._on_messages(bug.id, decision.messages)
        return Verdict(
            bug=bug.id,
            environment=self._environment.id,
            harness=HARNESS_VERSION,
            mode=self.mode,
            reason=decision.reason,
            fail_to_pass=decision.fail_to_pass,
            pass_to_pass=decision.pass_to_pass,
            spilled=decision.spilled,
            seconds=round(time.monotonic() - started, 4),
            detail=decision.detail,
            kinds=decision.kinds,
        )

    async def _decide(self, worker: SandboxWorker, job: QueuedBug, bug: Bug) -> Decision:
        if job.fault:
            return Decision(reason="does-not-apply", detail=job.fault)
        last = ""
        for _ in range(TRIES):
            worker.hung.clear()
            try:
                decision = await self._judge_files(worker, job, bug)
                if decision.reason == "timeout" or (
                    decision.reason == "breaks-everything" and worker.hung
                ):
                    await self._hold_against_unbroken(worker)
                return decision
            except SandboxError as error:
                last = str(error)
                await worker.discard()
        return Decision(reason="sandbox-broken", detail=last)

    async def _hold_against_unbroken(self, worker: SandboxWorker) -> None:
        """Raise SandboxError where tests that hung do not end in time without the bug either."""
        tests = (list(worker.hung) or list(self._baseline.green))[:MOST_HANGS_CHECKED]
        run = await self._run_tests(worker, {}, tests=tests, isolate=True)
        if run.exhausted or any(run.outcome(test) == "timeout" for test in tests):
            raise SandboxError(BUSY)

    async def _judge_files(self, worker: SandboxWorker, job: QueuedBug, bug: Bug) -> Decision:
        """Judge by the tests that can notice the bug, and where that is to be checked, by all."""
        files, selection = job.files, job.selection
        if self._coverage is None or selection is None or selection.tests is None:
            self.screened["all"] += 1
            return await self._by_all(worker, files)
        decision = await self._by_some(worker, files, selection)
        if not job.audited:
            return decision
        full = await self._by_all(worker, files)
        if not agree(full, decision):
            self._coverage = None
            self._on_disagreement(
                f"bug {bug.id}: {decision.reason} by {format_count(len(selection.tests), 'test')}, "
                f"{full.reason} by all; from here on every test is run"
            )
        return full

    async def _by_all(self, worker: SandboxWorker, files: Files) -> Decision:
        """Screen by the whole suite, then confirm what is red alone, in a fresh process."""
        half = len(self._baseline.green) // 2
        whole, hangs = await self._screen(worker, files, stop_after_red=half)
        return await self._confirm(worker, files, whole, hangs=hangs, company=None)

    async def _by_some(self, worker: SandboxWorker, files: Files, selection: Selection) -> Decision:
        """Screen by some tests; those that cannot notice the bug stay what the baseline proved."""
        green, tests = self._baseline.green, selection.tests or frozenset()
        if not tests and not selection.everywhere:
            self.screened["none"] += 1
            return Decision(reason="no-test-failed", detail="no test runs what was changed")
        half = len(green) // 2
        some, hangs = await self._screen(
            worker, files, tests=tests, stop_after_red=half, selection=selection
        )
        self.screened[some.path] += 1
        whole = with_the_rest(some, green, tests)
        return await self._confirm(worker, files, whole, hangs=hangs, company=tests, narrow=True)

    async def _screen(
        self,
        worker: SandboxWorker,
        files: Files,
        *,
        stop_after_red: int,
        tests: Collection[str] | None = None,
        selection: Selection | None = None,
    ) -> tuple[SuiteRun, bool]:
        """Run tests by short limits; by long ones where the verdict would hang on those.

        Returns too whether a test is known to hang, alone and by the long limit.
        """
        run = await self._run_tests(
            worker,
            files,
            tests=tests,
            stop_after_red=stop_after_red,
            selection=selection,
            short=True,
        )
        hung = [test for test, result in run.results.items() if result.outcome == "timeout"]
        failed = any(status(run, test) == "red" for test in run.results if test not in hung)
        if not hung or (failed and not run.exhausted):
            return run, False
        quickest = min(hung, key=lambda test: self._terms.short.get(test, 0.0))
        alone = await self._run_tests(worker, files, tests=[quickest], isolate=True, narrow=True)
        if alone.outcome(quickest) == "timeout":
            return run, True
        again = await self._run_tests(
            worker, files, tests=tests, stop_after_red=stop_after_red, selection=selection
        )
        return again, False

    async def _confirm(
        self,
        worker: SandboxWorker,
        files: Files,
        whole: SuiteRun,
        *,
        hangs: bool,
        company: Collection[str] | None,
        narrow: bool = False,
    ) -> Decision:
        """Run what is red again, each test alone and in a fresh process, and decide.

        What is green then has to be red a second time in its ``company``, all tests for None: a
        busy machine turns tests red that no bug does.
        """
        green = self._baseline.green
        found = screen(green, whole)
        in_company = found.reason == "timeout" and not hangs and not whole.exhausted
        if found.reason and not in_company:
            return Decision(reason=found.reason, detail=found.detail)
        alone = await self._run_tests(worker, files, tests=found.red, isolate=True, narrow=narrow)
        decision = decide(green, whole, alone)
        if decision.spilled:
            again = await self._run_tests(worker, files, tests=company, narrow=narrow)
            decision = decide(green, apply_rerun(whole, again, decision.spilled), alone)
        return replace(decision, messages=messages_of(alone, decision.fail_to_pass))

    async def _run_tests(
        self,
        worker: SandboxWorker,
        files: Files,
        *,
        tests: Collection[str] | None = None,
        isolate: bool = False,
        stop_after_red: int | None = None,
        selection: Selection | None = None,
        narrow: bool = False,
        short: bool = False,
    ) -> SuiteRun:
        """Run tests, those of a ``selection`` by its path, all others in a fresh process."""
        run = await worker.run_tests(
            self._terms,
            files,
            tests=tests,
            isolate=isolate,
            stop_after_red=stop_after_red,
            selection=selection,
            narrow=narrow,
            short=short,
            reports=isolate and self._on_messages is not None,
        )
        self.tests_run += len(run.results)
        worker.hung |= {t: None for t, r in run.results.items() if r.outcome == "timeout"}
        return run

    async def messages(self, files: Files, tests: Collection[str]) -> dict[str, str]:
        """Return what failing tests say with these files, each run alone. Raises SandboxError."""
        worker = SandboxWorker(self._backend, self._environment, self._limits)
        try:
            run = await self._run_tests(worker, files, tests=tests, isolate=True, narrow=True)
        finally:
            await worker.discard()
        return messages_of(run, tests)

    async def run_files(self, files: Files, *, tests: Collection[str] | None = None) -> SuiteRun:
        """Run the suite with these files in a fresh sandbox, thrown away afterwards."""
        worker = SandboxWorker(self._backend, self._environment, self._limits)
        try:
            return await worker.run_patiently(self._terms, files, tests=tests)
        finally:
            await worker.discard()


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait until work has ended, however often that is cancelled: it clears away."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def messages_of(run: SuiteRun, tests: Collection[str]) -> dict[str, str]:
    """Return what the first few of these tests said."""
    found = [(test, run.results[test]) for test in tests if test in run.results]
    said = {test: result.report.strip() or result.detail for test, result in found}
    return dict(
        itertools.islice(((test, text) for test, text in said.items() if text), MOST_MESSAGES)
    )


def apply_rerun(whole: SuiteRun, again: SuiteRun, spilled: Collection[str]) -> SuiteRun:
    """Return a run in which those of the tests are green that were so when it was done again."""
    green = {test: again.results[test] for test in spilled if again.outcome(test) == "passed"}
    return replace(whole, results={**whole.results, **green})


def with_the_rest(run: SuiteRun, green: Sequence[str], ran: Collection[str]) -> SuiteRun:
    """Return a run of some tests as one of all: the others are what the baseline proved."""
    proved = Result(outcome="passed")
    rest = {test: proved for test in green if test not in ran}
    return replace(run, results={**rest, **run.results})

"""Grade patches on the tasks of one environment, in long-lived sandboxes, by the rules of judging.

What a patch leaves different from the unbroken code decides which tests are run: FAIL_TO_PASS
always, and of PASS_TO_PASS those that can notice the difference. The others are what the baseline
proved. FAIL_TO_PASS is run first: where one still fails, that is the start state's own outcome.
Anything else that is not green is run again, alone in a process of its own, before it counts. Where
one of FAIL_TO_PASS is not green, that decides, and PASS_TO_PASS is not run; of that the first which
is not green for certain decides. Where nothing differs FAIL_TO_PASS alone is run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from harness.judge.judge import Grade, grade, status
from harness.judge.local_engine import with_the_rest
from harness.judge.worker import Files, SandboxWorker, Terms
from harness.runs.selection import Coverage, Path, Selection, select
from harness.runs.suite import SuiteRun
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.errors import SandboxError

TRIES = 2
AS_AT_START = frozenset({"failed", "error"})
"""Outcomes of a FAIL_TO_PASS test that need no second run: it is red as it was."""
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GradingRequest:
    """What is graded: the files as the solver left them, and the task's tests."""

    files: Files
    """What the bug and the solver changed, over the environment's unbroken tree."""
    fail_to_pass: Sequence[str]
    pass_to_pass: Sequence[str]

    @property
    def tests(self) -> tuple[str, ...]:
        return (*self.fail_to_pass, *self.pass_to_pass)


@dataclass(frozen=True, kw_only=True)
class Grader:
    """Grades on one environment. Without ``coverage`` all tests of a task are run."""

    backend: Backend
    terms: Terms
    read: Callable[[str], bytes | None]
    limits: SandboxLimits
    coverage: Coverage | None = None
    session: bool = True
    """Hold a session in which all tests are collected: that pays where much is graded."""

    def worker(self) -> SandboxWorker:
        """Return a sandbox for one grade after another, started for the first."""
        return SandboxWorker(self.backend, self.terms.environment, self.limits)

    async def ready_worker(self, *, full: bool = False) -> SandboxWorker:
        """Return a sandbox that is started, with all that grades in it are forked from.

        ``full`` grades are not forked. What cannot be started is met again by the first grade.
        """
        worker = self.worker()
        try:
            await worker.make_ready(self.terms, "fresh" if full else self._path())
        except SandboxError:
            await worker.discard()
        except BaseException:
            await worker.discard()
            raise
        return worker

    def _path(self) -> Path:
        """The fastest path that any selection takes."""
        return "swap" if self.session and self.coverage is not None else "fork"

    async def grade(self, worker: SandboxWorker, question: GradingRequest) -> Grade:
        """Grade by the tests that matter. Raises SandboxError when sandboxes break repeatedly."""
        for left in range(TRIES, 0, -1):
            try:
                return await self._grade(worker, question)
            except SandboxError:
                await worker.discard()
                if left == 1:
                    raise
        raise AssertionError("unreachable")

    async def grade_by_all(self, worker: SandboxWorker, question: GradingRequest) -> Grade:
        """Grade by all tests of the task, in one fresh process. Raises SandboxError."""
        run = await worker.run_patiently(self.terms, question.files, tests=question.tests)
        return grade(question.fail_to_pass, question.pass_to_pass, run)

    async def _grade(self, worker: SandboxWorker, question: GradingRequest) -> Grade:
        changed = {p: data for p, data in question.files.items() if data != self.read(p)}
        selection = self._select(changed, question)
        chosen = selection.tests or frozenset(question.tests)
        rest = chosen - frozenset(question.fail_to_pass)
        run = await self._run_fail_to_pass(worker, changed, selection, question)
        if any(status(run, test) != "green" for test in question.fail_to_pass):
            return grade_run(question, run, unrun=rest)
        if not rest:
            return grade_run(question, with_the_rest(run, question.tests, chosen))
        later = await self._run_pass_to_pass(worker, changed, selection, rest, question)
        unrun = rest - later.results.keys() if later.stopped else NOTHING
        whole = with_the_rest(merge_runs(run, later), question.tests, chosen)
        return grade_run(question, whole, unrun=unrun)

    async def _run_fail_to_pass(
        self, worker: SandboxWorker, changed: Files, selection: Selection, question: GradingRequest
    ) -> SuiteRun:
        """Run FAIL_TO_PASS, and again alone what is not green and does not decide as it is."""
        tests = frozenset(question.fail_to_pass)
        narrow = selection if selection.tests == tests else replace(selection, everywhere=False)
        run = await self._screen_tests(worker, changed, narrow, tests)
        hung = run.exhausted and run.collected is None
        if hung or any(decides(run, test) for test in tests):
            return run
        return await self._confirm_tests(worker, changed, run, tests, question)

    async def _run_pass_to_pass(
        self,
        worker: SandboxWorker,
        changed: Files,
        selection: Selection,
        tests: frozenset[str],
        question: GradingRequest,
    ) -> SuiteRun:
        """Run PASS_TO_PASS until one is red, and is so alone; ``stopped`` says that one was."""
        run = await self._screen_tests(worker, changed, selection, tests, stop_after_red=0)
        if not run.stopped:
            return await self._confirm_tests(worker, changed, run, tests, question)
        seen = frozenset(run.results)
        run = await self._confirm_tests(worker, changed, run, seen, question)
        if any(status(run, test) == "red" for test in seen):
            return run
        left = await self._screen_tests(worker, changed, selection, tests - seen)
        left = await self._confirm_tests(worker, changed, left, tests - seen, question)
        return replace(merge_runs(run, left), stopped=False)

    async def _screen_tests(
        self,
        worker: SandboxWorker,
        changed: Files,
        selection: Selection,
        tests: frozenset[str],
        *,
        stop_after_red: int | None = None,
    ) -> SuiteRun:
        """Run some of the tests by the path that was chosen, with short limits."""
        some = replace(selection, tests=tests)
        return await worker.run_patiently(
            self.terms,
            changed,
            tests=tests,
            selection=some,
            short=True,
            stop_after_red=stop_after_red,
        )

    def _select(self, changed: Files, question: GradingRequest) -> Selection:
        """Choose the tests to run, and the way of running them."""
        first, every = frozenset(question.fail_to_pass), frozenset(question.tests)
        if not changed:
            return Selection(tests=first, why="all is as in the unbroken code", path=self._path())
        if self.coverage is None:
            return Selection(tests=every, why="no coverage is known", path="fork")
        found = select(self.coverage, changed, {path: self.read(path) for path in changed})
        if found.tests is None:
            return replace(found, tests=every, everywhere=True)
        tests = first | (found.tests & every)
        if found.path == "swap" and not self.session:
            return replace(found, tests=tests, path="fork", changes={})
        return replace(found, tests=tests)

    async def _confirm_tests(
        self,
        worker: SandboxWorker,
        changed: Files,
        run: SuiteRun,
        tests: Collection[str],
        question: GradingRequest,
    ) -> SuiteRun:
        """Run again, each alone in its process, what is not green, where that can matter."""
        doubtful = [test for test in tests if status(run, test) != "green"]
        if not doubtful or len(doubtful) * 2 > len(question.tests):
            return run
        forked = Selection(tests=frozenset(doubtful), why="alone", path="fork")
        alone = await worker.run_tests(
            self.terms, changed, tests=doubtful, selection=forked, isolate=True
        )
        return merge_runs(run, alone)


def decides(run: SuiteRun, test: str) -> bool:
    """Say whether a FAIL_TO_PASS test is red for certain: it failed, or what holds it did."""
    outcome = run.outcome(test)
    broken = {path for path, _ in run.collect_errors}
    return outcome in AS_AT_START or (outcome == "missing" and test.partition("::")[0] in broken)


def grade_run(question: GradingRequest, run: SuiteRun, *, unrun: frozenset[str] = NOTHING) -> Grade:
    """Grade a run of which some PASS_TO_PASS tests were left out, since others had decided."""
    fail, passing = question.fail_to_pass, question.pass_to_pass
    if any(status(run, test) != "green" for test in fail):
        known = grade(fail, (), run)
    else:
        known = grade(fail, [test for test in passing if test not in unrun], run)
    return replace(known, pass_to_pass_unrun=tuple(test for test in passing if test in unrun))


def merge_runs(run: SuiteRun, later: SuiteRun) -> SuiteRun:
    """Return a run in which the results of the second stand for those of the first."""
    results = {**run.results, **later.results}
    collected = tuple(dict.fromkeys([*(run.collected or ()), *(later.collected or ())]))
    return replace(run, results=results, collected=collected, exhausted=later.exhausted)

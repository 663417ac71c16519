"""Prove exported tasks: run both sides from nothing, again and again, under other conditions.

Environments are built anew from what the export carries. Every run has a sandbox of its own, and
is graded by the rules of judging.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace

from forge.grade.evaluation import Evaluation, backend_of, grader_of
from forge.grade.grade import ensure_environment
from forge.grade.intake import Intake, take_known_fix, take_patch
from forge.grade.lookup import StoredTask
from forge.grade.rounds import OF_THE_FIX, Round, fault
from forge.run.async_work import as_they_end
from harness.judge.grader import Grader, merge_runs
from harness.judge.judge import Grade, grade, status
from harness.judge.worker import PATIENCE, Files
from harness.runs.conditions import AS_JUDGED, Conditions, of_round
from harness.runs.load import load
from harness.runs.suite import SuiteRun
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError
from storage.records import Verdict
from storage.trees import Trees

TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Both sides of a task, from scratch."""

    task: str
    empty: Grade
    """The start state as it is: must be unsolved."""
    gold: Grade
    """The bug's patch undone, taken in as any patch: must be solved."""

    @property
    def holds(self) -> bool:
        """Every FAIL_TO_PASS red with the bug and green without, PASS_TO_PASS green on both."""
        return not fault(self.empty, self.gold)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A round that has not been run."""

    found: StoredTask
    content: str
    number: int


async def check(evaluation: Evaluation, found: StoredTask) -> Verification:
    """Grade both sides of a task as its first round does. Raises BuildFailed or SandboxError."""
    trees = Trees(evaluation.cache)
    grader = await Graders(evaluation, trees).of(found)
    lists = found.verdict.fail_to_pass, found.verdict.pass_to_pass
    empty, gold = await both_sides(grader, found, trees, AS_JUDGED)
    fixed = replace(grade(*lists, gold), taken_back=take_known_fix(found, trees).taken_back)
    return Verification(task=found.task.id, empty=grade(*lists, empty), gold=fixed)


async def verify(evaluation: Evaluation, due: Sequence[Due]) -> AsyncGenerator[Round, None]:
    """Yield each round as it is known; those under load one after the other, at the end.

    The load is the machine's, so that it would be on the others too.
    """
    trees = Trees(evaluation.cache)
    graders = Graders(evaluation, trees)
    quiet = [each for each in due if not of_round(each.number).load]
    busy = [each for each in due if of_round(each.number).load]
    async for found in side_by_side(evaluation.workers, graders, trees, quiet):
        yield found
    async with AsyncExitStack() as stack:
        if busy:
            await stack.enter_async_context(load())
        async for found in side_by_side(evaluation.workers, graders, trees, busy):
            yield found


class Graders:
    """One for each environment, which is built for the first task that needs it."""

    def __init__(self, evaluation: Evaluation, trees: Trees) -> None:
        self._evaluation = evaluation
        self._trees = trees
        self._made: dict[str, Grader | BuildFailed | SandboxError] = {}
        self._building = asyncio.Lock()

    async def of(self, found: StoredTask) -> Grader:
        """Return what grades a task. Raises BuildFailed or SandboxError, each time anew."""
        key = found.environment.id
        async with self._building:
            if key not in self._made:
                self._made[key] = await self._make(found)
        made = self._made[key]
        if isinstance(made, Grader):
            return made
        raise made

    async def _make(self, found: StoredTask) -> Grader | BuildFailed | SandboxError:
        try:
            backend = backend_of(self._evaluation, found)
            environment = await ensure_environment(found, backend, self._trees)
        except (BuildFailed, SandboxError) as error:
            return error
        return grader_of(self._evaluation, self._trees, found, backend, environment)


async def side_by_side(
    workers: int, graders: Graders, trees: Trees, due: Sequence[Due]
) -> AsyncGenerator[Round, None]:
    """Yield what comes of rounds, some at a time."""

    async def one(each: Due) -> Round:
        return await run_round(graders, trees, each)

    async with aclosing(as_they_end(one, due, at_once=workers)) as ended:
        async for found in ended:
            yield found


async def run_round(graders: Graders, trees: Trees, due: Due) -> Round:
    """Run both sides of a task once. What goes wrong is part of the answer."""
    started = time.monotonic()
    conditions = of_round(due.number)
    reason, detail, clock = "", "", ""
    tests: tuple[str, ...] = ()
    try:
        grader = await graders.of(due.found)
        verdict = due.found.verdict
        empty, gold = await both_sides(grader, due.found, trees, conditions)
        if conditions.clock_days:
            clock = "shifted" if gold.clock else "not to be had"
        lists = verdict.fail_to_pass, verdict.pass_to_pass
        reason, tests = fault(grade(*lists, empty), grade(*lists, gold))
        if tests:
            detail = describe_result(gold if reason in OF_THE_FIX else empty, tests[0])
        back = take_known_fix(due.found, trees).taken_back if reason in OF_THE_FIX else ()
        detail = "; ".join([detail, *(f"put back of the fix: {each}" for each in back)])
    except BuildFailed as error:
        reason, detail = "environment-failed", str(error)
    except SandboxError as error:
        reason, detail = "sandbox-broken", str(error)
    return Round(
        task=due.found.task.id,
        content=due.content,
        number=due.number,
        conditions=str(conditions),
        reason=reason,
        tests=tests,
        detail=detail,
        clock=clock,
        seconds=round(time.monotonic() - started, 2),
    )


async def both_sides(
    grader: Grader, found: StoredTask, trees: Trees, conditions: Conditions
) -> tuple[SuiteRun, SuiteRun]:
    """Run the start state, and the start state with the fix. Raises SandboxError."""
    empty, gold = [
        await patiently(grader, found.verdict, intake.files, conditions, fixed=side == "gold")
        for side, intake in sides_of(found, trees).items()
    ]
    return empty, gold


def describe_result(run: SuiteRun, test: str) -> str:
    """Return what came of a test that is not as it should be: its outcome, and what it said."""
    result = run.results.get(test)
    parts = [
        "the time ran out" if run.exhausted else "",
        run.outcome(test) or "not run",
        result.detail if result else "",
    ]
    return ": ".join(part for part in parts if part)


def sides_of(found: StoredTask, trees: Trees) -> Mapping[str, Intake]:
    """Take both sides in as patches: an empty one, and the known fix."""
    return {"empty": take_patch(found, trees, ""), "gold": take_known_fix(found, trees)}


async def patiently(
    grader: Grader, verdict: Verdict, files: Files, conditions: Conditions, *, fixed: bool
) -> SuiteRun:
    """Run a task's tests once; again with more time where the time decided. Raises SandboxError.

    A test that should be green and was cut off says nothing of the task: the machine may be busy.
    """
    run = await in_fresh_sandbox(grader, verdict, files, conditions)
    green = (*verdict.pass_to_pass, *(verdict.fail_to_pass if fixed else ()))
    if run.exhausted or any(run.outcome(test) == "timeout" for test in green):
        run = await in_fresh_sandbox(grader, verdict, files, conditions, patience=PATIENCE)
    return run if fixed else await without_spilled(grader, verdict, files, conditions, run)


async def without_spilled(
    grader: Grader, verdict: Verdict, files: Files, conditions: Conditions, run: SuiteRun
) -> SuiteRun:
    """Return a run of the start state in which what the bug does to other tests does not count.

    As in judging: what is red in company and green alone is spilled, as when a bug leaves files
    open and the warning comes in whatever test is running then. Raises SandboxError.
    """
    red = [test for test in verdict.pass_to_pass if status(run, test) == "red"]
    if not red:
        return run
    alone = await in_fresh_sandbox(grader, verdict, files, conditions, tests=red, isolate=True)
    return merge_runs(run, alone)


async def in_fresh_sandbox(
    grader: Grader,
    verdict: Verdict,
    files: Files,
    conditions: Conditions,
    *,
    tests: Sequence[str] = (),
    isolate: bool = False,
    patience: int = 1,
) -> SuiteRun:
    """Run a task's tests, or some of them, once in a new sandbox. Raises SandboxError.

    All in one process, or ``isolate`` each in one of its own.
    """
    tests = tests or (*verdict.fail_to_pass, *verdict.pass_to_pass)
    for left in range(TRIES, 0, -1):
        worker = grader.worker()
        try:
            return await worker.run_tests(
                grader.terms,
                files,
                tests=tests,
                isolate=isolate,
                conditions=conditions,
                patience=patience,
            )
        except SandboxError:
            if left == 1:
                raise
        finally:
            await worker.discard()
    raise AssertionError("unreachable")

"""Grade many patches on many tasks, in sandboxes that live as long as the run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.finding import Found
from bot.grading import changed_files, standing, start_state
from bot.predictions import Graded, Prediction, graded, key_of
from harness import backends
from harness.grader import Grader, Question
from harness.judge import Grade
from harness.sandbox import Backend, BuildFailed, Limits
from harness.selection import Coverage
from harness.worker import Terms, Worker
from storage.errors import PatchError, SandboxError
from storage.records import Environment
from storage.trees import Trees
from tasks.start_state import grading_files

Covered = Callable[[str], Coverage | None]
"""What is known of an environment's tests, by the environment's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A prediction with the task it answers."""

    prediction: Prediction
    found: Found
    key: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How predictions are graded."""

    cache: Path
    workers: int = 1
    full: bool = False
    """Run every test of a task, in a fresh process."""
    base_image: str | None = None
    sandbox: str = ""
    """Where the code runs; empty for where each task was judged."""
    coverage: Covered = lambda environment: None
    limits: Limits = field(default_factory=Limits)

    @property
    def mode(self) -> str:
        return "full" if self.full else "selected"


def cases(
    predictions: Sequence[Prediction], tasks: Mapping[str, Found], mode: str
) -> tuple[list[Case], list[Graded]]:
    """Pair predictions with their tasks; those on tasks that are not known are graded at once."""
    known, unknown = [], []
    for each in predictions:
        found = tasks.get(each.instance_id)
        if found is None:
            unknown.append(ungraded(each, "unknown-task", key_of(each, "", (), mode)))
            continue
        tests = (*found.verdict.fail_to_pass, "", *found.verdict.pass_to_pass)
        key = key_of(each, found.bug.id, tests, mode)
        known.append(Case(prediction=each, found=found, key=key))
    return known, unknown


def ungraded(prediction: Prediction, error: str, key: str, detail: str = "") -> Graded:
    """Return that a prediction could not be graded: it is not resolved."""
    return Graded(
        instance_id=prediction.instance_id,
        model=prediction.model,
        key=key,
        patch_exists=bool(prediction.patch.strip()),
        resolved=False,
        error=error,
        detail=detail,
    )


async def evaluate(evaluation: Evaluation, todo: Sequence[Case]) -> AsyncGenerator[Graded, None]:
    """Yield each grade as it is known; one environment after the other."""
    trees = Trees(evaluation.cache)
    for group in by_environment(todo):
        async for result in _in_one_environment(evaluation, trees, group):
            yield result


def by_environment(todo: Iterable[Case]) -> list[list[Case]]:
    """Group what is graded in one environment."""
    groups: dict[str, list[Case]] = {}
    for case in todo:
        groups.setdefault(case.found.environment.id, []).append(case)
    return list(groups.values())


def backend_of(evaluation: Evaluation, found: Found) -> Backend:
    """Choose where a task's code runs."""
    kind = evaluation.sandbox or found.environment.sandbox
    return backends.choose(kind, cache=evaluation.cache, base_image=evaluation.base_image)  # type: ignore[arg-type]


async def _in_one_environment(
    evaluation: Evaluation, trees: Trees, group: Sequence[Case]
) -> AsyncGenerator[Graded, None]:
    first = group[0].found
    try:
        backend = backend_of(evaluation, first)
        environment = await standing(first, backend, trees)
    except (BuildFailed, SandboxError) as error:
        for case in group:
            yield ungraded(case.prediction, "environment-failed", case.key, str(error))
        return
    grader = grader_of(evaluation, trees, first, backend, environment)
    waiting: asyncio.Queue[Case] = asyncio.Queue()
    for case in group:
        waiting.put_nowait(case)
    known: asyncio.Queue[Graded] = asyncio.Queue()
    count = min(evaluation.workers, len(group))
    workers = [
        asyncio.ensure_future(_work(evaluation, trees, grader, waiting, known))
        for _ in range(count)
    ]
    try:
        for _ in group:
            taken = asyncio.ensure_future(known.get())
            while not taken.done():
                await asyncio.wait([taken, *workers], return_when=asyncio.FIRST_COMPLETED)
                for worker in workers:
                    if worker.done():
                        worker.result()
                workers = [worker for worker in workers if not worker.done()]
            yield taken.result()
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def grader_of(
    evaluation: Evaluation,
    trees: Trees,
    found: Found,
    backend: Backend,
    environment: Environment,
) -> Grader:
    """Return what grades on an environment that stands."""
    tree = found.bug.tree
    contents = trees.read_all(tree)
    return Grader(
        backend=backend,
        terms=Terms(environment=environment, baseline=found.baseline),
        read=contents.get,
        limits=evaluation.limits,
        coverage=evaluation.coverage(found.environment.id),
    )


async def _work(
    evaluation: Evaluation,
    trees: Trees,
    grader: Grader,
    waiting: asyncio.Queue[Case],
    known: asyncio.Queue[Graded],
) -> None:
    """Grade what waits, in one sandbox, until nothing is left."""
    worker = grader.worker()
    try:
        while not waiting.empty():
            case = waiting.get_nowait()
            started = time.monotonic()
            result = await grade_case(case, trees, grader, worker, full=evaluation.full)
            await known.put(replace(result, seconds=round(time.monotonic() - started, 3)))
    finally:
        with suppress(asyncio.CancelledError):
            await asyncio.shield(worker.discard())


async def grade_case(
    case: Case, trees: Trees, grader: Grader, worker: Worker, *, full: bool = False
) -> Graded:
    """Grade one prediction. What goes wrong is part of the answer."""
    try:
        question = question_of(case.found, trees, case.prediction.patch)
        grade = await graded_by(grader, worker, question, full=full)
    except PatchError as error:
        return ungraded(case.prediction, "does-not-apply", case.key, str(error))
    except SandboxError as error:
        return ungraded(case.prediction, "sandbox-broken", case.key, str(error))
    return graded(case.prediction, case.key, grade, case.found.verdict.pass_to_pass)


async def graded_by(grader: Grader, worker: Worker, question: Question, *, full: bool) -> Grade:
    """Grade by all tests or by those that matter."""
    if full:
        return await grader.grade_by_all(worker, question)
    return await grader.grade(worker, question)


def question_of(found: Found, trees: Trees, patch: str) -> Question:
    """Return what a patch leaves, and the tests that say whether it solves. Raises PatchError.

    Tests and their configuration are those of the start state, whatever the patch says.
    """
    verdict = found.verdict
    tests = (*verdict.fail_to_pass, *verdict.pass_to_pass)
    solved = grading_files(start_state(found, trees), patch, tests=tests)
    return Question(
        files=changed_files(found, trees, solved),
        fail_to_pass=verdict.fail_to_pass,
        pass_to_pass=verdict.pass_to_pass,
    )

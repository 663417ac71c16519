"""Grade many patches on many tasks, in sandboxes that serve all of an environment's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from forge.grade.grade import ensure_environment
from forge.grade.intake import take_patch
from forge.grade.lookup import StoredTask
from forge.grade.predictions import Graded, Prediction, key_of, make_graded, make_ungraded
from forge.grade.turns import EnvironmentTurn, Turns
from forge.run.parts import BackendMaker
from harness.environments.baseline import estimate_collection_seconds
from harness.judge.grader import Grader, GradingRequest
from harness.judge.judge import Grade
from harness.judge.worker import SandboxWorker, Terms
from harness.runs.selection import Coverage
from harness.sandboxes.sandbox import Backend, BuildFailed, SandboxLimits
from storage.errors import PatchError, SandboxError
from storage.records import Environment
from storage.trees import Trees

log = logging.getLogger(__name__)
Covered = Callable[[str], Coverage | None]
"""What is known of an environment's tests, by the environment's id."""
LEAST_SECONDS = 0.1
SHARE = 0.1
"""What a prediction is expected to take: so much, and this of the whole suite's time."""
GAIN = 0.1
"""Seconds by which a prediction is graded faster in a session that has collected all tests."""
PRICE = 0.5
"""Seconds that collecting them takes, of those which a whole run spends on anything but tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCase:
    """A prediction with the task it answers."""

    prediction: Prediction
    found: StoredTask
    key: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How predictions are graded."""

    cache: Path
    make_backend: BackendMaker
    workers: int = 1
    full: bool = False
    """Run every test of a task, in a fresh process."""
    base_image: str | None = None
    sandbox: Literal["auto", "docker", "local"] | None = None
    """Where the code runs; None for where each task was judged."""
    coverage: Covered = lambda environment: None
    limits: SandboxLimits = field(default_factory=SandboxLimits)

    @property
    def mode(self) -> str:
        return "full" if self.full else "selected"


def cases(
    predictions: Sequence[Prediction],
    tasks: Mapping[str, StoredTask],
    mode: str,
    refused: Mapping[str, str],
) -> tuple[list[EvaluationCase], list[Graded]]:
    """Pair predictions with their tasks; those on tasks that are not known are graded at once.

    ``refused`` has what is said of tasks that are there and cannot be graded.
    """
    known, unknown = [], []
    for each in predictions:
        found = tasks.get(each.instance_id)
        if found is None:
            told = refused.get(each.instance_id, "no task has this id")
            unknown.append(make_ungraded(each, "unknown-task", key_of(each, "", (), mode), told))
            continue
        tests = (*found.verdict.fail_to_pass, "", *found.verdict.pass_to_pass)
        key = key_of(each, found.bug.id, tests, mode)
        known.append(EvaluationCase(prediction=each, found=found, key=key))
    return known, unknown


async def evaluate(
    evaluation: Evaluation, todo: Sequence[EvaluationCase]
) -> AsyncGenerator[Graded, None]:
    """Yield each grade as it is known, in any order."""
    trees = Trees(evaluation.cache)
    turns = Turns(turn_of(evaluation, trees, group) for group in by_environment(todo))
    known: asyncio.Queue[Graded] = asyncio.Queue()
    workers = [
        asyncio.ensure_future(_work(evaluation, trees, turns, known))
        for _ in range(min(evaluation.workers, len(todo)))
    ]
    try:
        for _ in todo:
            yield await _next(known, workers)
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await turns.close()


async def _next(known: asyncio.Queue[Graded], workers: Sequence[asyncio.Future[None]]) -> Graded:
    """Return the next grade; what ends a worker early ends all."""
    taken = asyncio.ensure_future(known.get())
    try:
        while not taken.done():
            running: list[asyncio.Future[Any]] = [each for each in workers if not each.done()]
            await asyncio.wait([taken, *running], return_when=asyncio.FIRST_COMPLETED)
            for worker in workers:
                if worker.done():
                    worker.result()
        return taken.result()
    finally:
        taken.cancel()


def by_environment(todo: Iterable[EvaluationCase]) -> list[list[EvaluationCase]]:
    """Group what is graded in one environment."""
    groups: dict[str, list[EvaluationCase]] = {}
    for case in todo:
        groups.setdefault(case.found.environment.id, []).append(case)
    return list(groups.values())


def backend_of(evaluation: Evaluation, found: StoredTask) -> Backend:
    """Choose where a task's code runs."""
    kind = evaluation.sandbox or found.environment.sandbox
    return evaluation.make_backend(kind, cache=evaluation.cache, base_image=evaluation.base_image)


def turn_of(
    evaluation: Evaluation, trees: Trees, group: Sequence[EvaluationCase]
) -> EnvironmentTurn[EvaluationCase]:
    """Return the turn of what is graded in one environment."""
    first = group[0].found

    async def prepare() -> tuple[Grader, SandboxWorker]:
        backend = backend_of(evaluation, first)
        environment = await ensure_environment(first, backend, trees)
        count = len(group)
        grader = grader_of(evaluation, trees, first, backend, environment, expected=count)
        return grader, await grader.ready_worker(full=evaluation.full)

    share = 1.0 if evaluation.full else SHARE
    return EnvironmentTurn(
        group, prepare=prepare, each=LEAST_SECONDS + share * first.baseline.seconds
    )


def grader_of(
    evaluation: Evaluation,
    trees: Trees,
    found: StoredTask,
    backend: Backend,
    environment: Environment,
    *,
    expected: int = 1,
) -> Grader:
    """Return what grades on an environment that stands; so many predictions are ``expected``."""
    contents = trees.read_all(found.bug.tree)
    return Grader(
        backend=backend,
        terms=Terms(environment=environment, baseline=found.baseline, read=contents.get),
        read=contents.get,
        limits=evaluation.limits,
        coverage=evaluation.coverage(found.environment.id),
        session=expected * GAIN >= PRICE * estimate_collection_seconds(found.baseline),
    )


async def _work(
    evaluation: Evaluation, trees: Trees, turns: Turns[EvaluationCase], known: asyncio.Queue[Graded]
) -> None:
    """Grade what waits, environment by environment, until nothing is left."""
    while (turn := turns.next()) is not None:
        try:
            grader, worker = await turn.worker()
        except (BuildFailed, SandboxError) as error:
            while turn.waiting:
                case = turn.waiting.popleft()
                told = make_ungraded(case.prediction, "environment-failed", case.key, str(error))
                known.put_nowait(told)
            continue
        try:
            while turn.waiting:
                case = turn.waiting.popleft()
                started = time.monotonic()
                result = await grade_whatever_comes(
                    case, trees, grader, worker, full=evaluation.full
                )
                known.put_nowait(replace(result, seconds=round(time.monotonic() - started, 3)))
        finally:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(worker.discard())


async def grade_whatever_comes(
    case: EvaluationCase, trees: Trees, grader: Grader, worker: SandboxWorker, *, full: bool
) -> Graded:
    """Grade one prediction; a fault of ours, too, ends only that one, and is logged."""
    try:
        return await grade_case(case, trees, grader, worker, full=full)
    except Exception as error:
        log.exception("%s, %s: cannot be graded", case.prediction.place, case.found.task.id)
        told = f"{type(error).__name__}: {error}"
        return make_ungraded(case.prediction, "grading-failed", case.key, told)


async def grade_case(
    case: EvaluationCase, trees: Trees, grader: Grader, worker: SandboxWorker, *, full: bool = False
) -> Graded:
    """Grade one prediction. What goes wrong is part of the answer."""
    try:
        intake = take_patch(case.found, trees, case.prediction.patch)
        grade = await graded_by(grader, worker, intake.ask(case.found), full=full)
    except PatchError as error:
        return make_ungraded(case.prediction, "does-not-apply", case.key, str(error))
    except SandboxError as error:
        return make_ungraded(case.prediction, "sandbox-broken", case.key, str(error))
    grade = replace(grade, taken_back=intake.taken_back, notes=intake.notes)
    return make_graded(case.prediction, case.key, grade, case.found.verdict.pass_to_pass)


async def graded_by(
    grader: Grader, worker: SandboxWorker, question: GradingRequest, *, full: bool
) -> Grade:
    """Grade by all tests or by those that matter."""
    if full:
        return await grader.grade_by_all(worker, question)
    return await grader.grade(worker, question)

"""Measure ``bugfoundry evaluate`` beside a fresh sandbox each that runs the whole suite.

    python -m benchmarks.evaluations --store FILE [--each 5] [--fresh 5] [--workers 1]

Predictions of which it is known what they are: the fix, the empty patch, and wrong ones (the
wounded function deleted, half of the fix, another bug in the same place). Ours grades all of them,
repository by repository and then those of all in one run, as a person would; the other way all or
some of each repository. Both have as many workers. They are compared with each other and with what
is known. The environments stand when the time is taken; ours includes all starts of sandboxes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from forge.compose import PARTS
from forge.grade.evaluation import (
    Evaluation,
    EvaluationCase,
    backend_of,
    by_environment,
    evaluate,
    grader_of,
)
from forge.grade.grade import ensure_environment
from forge.grade.intake import take_patch
from forge.grade.lookup import StoredTask, find_task
from forge.grade.predictions import Prediction
from forge.grade.probes import sample, wrong_patches
from forge.run.async_work import as_they_end
from harness.environments.baseline import list_runnable_tests
from harness.judge.grader import Grader
from harness.judge.judge import grade
from harness.runs.coverage import decode
from harness.runs.selection import Coverage
from storage.errors import PatchError
from storage.paths import cache_dir
from storage.records import Task, digest
from storage.store import Store
from storage.trees import Trees
from tasks.material import gather


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One way's grades by prediction, and how long it took."""

    resolved: dict[str, bool]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both ways on one repository."""

    repository: str
    tasks: int
    predictions: int
    kinds: Mapping[str, int]
    fresh: int
    """Predictions that were graded the other way too."""
    seconds_ours: float
    """For all predictions."""
    seconds_fresh: float
    """For those ``fresh``."""
    as_known: int
    as_each_other: int
    disagreements: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Throughput of ours, in that of the other."""
        one, other = self.seconds_ours / self.predictions, self.seconds_fresh / self.fresh
        return round(other / one, 1)


def predictions(store: Store, trees: Trees, found: Sequence[StoredTask]) -> list[EvaluationCase]:
    """Return the fix, the empty patch and two wrong ones for each task."""
    cases = []
    for each in found:
        fix = gather(store, trees, each.task).fix
        wrong = list(wrong_patches(each, found, trees))
        kinds = [("gold", fix), *((kind, patch) for kind, _, patch in wrong[:3])]
        for kind, patch in kinds:
            key = digest(each.task.id, kind, patch)
            prediction = Prediction(instance_id=each.task.id, patch=patch, model=kind)
            cases.append(EvaluationCase(prediction=prediction, found=each, key=key))
    return list({case.key: case for case in cases}.values())


async def ours(evaluation: Evaluation, cases: Sequence[EvaluationCase]) -> Graded:
    """Grade as the command does."""
    started = time.monotonic()
    found = {each.key: each.resolved async for each in evaluate(evaluation, cases)}
    return Graded(resolved=found, seconds=time.monotonic() - started)


async def theirs(evaluation: Evaluation, cases: Sequence[EvaluationCase]) -> Graded:
    """Grade each in a sandbox of its own, by the whole suite in one fresh process."""
    started = time.monotonic()
    trees = Trees(evaluation.cache)
    found: dict[str, bool] = {}
    for group in by_environment(cases):
        first = group[0].found
        backend = backend_of(evaluation, first)
        environment = await ensure_environment(first, backend, trees)
        grader = grader_of(evaluation, trees, first, backend, environment)

        async def one(case: EvaluationCase, grader: Grader = grader) -> tuple[str, bool]:
            return case.key, await in_fresh_sandbox(grader, case, trees)

        async with aclosing(as_they_end(one, group, at_once=evaluation.workers)) as ended:
            found |= {key: resolved async for key, resolved in ended}
    return Graded(resolved=found, seconds=time.monotonic() - started)


async def in_fresh_sandbox(grader: Grader, case: EvaluationCase, trees: Trees) -> bool:
    """Say whether a prediction solves its task, by the whole suite."""
    try:
        intake = take_patch(case.found, trees, case.prediction.patch)
    except PatchError:
        return False
    worker = grader.worker()
    try:
        every = list_runnable_tests(grader.terms.baseline)
        run = await worker.run_tests(grader.terms, intake.files, tests=every)
    finally:
        await worker.discard()
    verdict = case.found.verdict
    return grade(verdict.fail_to_pass, verdict.pass_to_pass, run).resolved


async def compare(
    evaluation: Evaluation, name: str, cases: Sequence[EvaluationCase], fresh: int
) -> Compared:
    """Measure both ways on the predictions for one repository."""
    some = random.Random(0).sample(cases, min(fresh or len(cases), len(cases)))
    await ours(evaluation, cases[:1])  # The environment stands when the time is taken.
    fast = await ours(evaluation, cases)
    slow = await theirs(evaluation, some)
    known = known_of(cases)
    return Compared(
        repository=name,
        tasks=len({case.found.task.id for case in cases}),
        predictions=len(cases),
        kinds=dict(sorted(Counter(case.prediction.model for case in cases).items())),
        fresh=len(some),
        seconds_ours=round(fast.seconds, 1),
        seconds_fresh=round(slow.seconds, 1),
        as_known=sum(fast.resolved[key] == known[key] for key in known),
        as_each_other=sum(fast.resolved[key] == slow.resolved[key] for key in slow.resolved),
        disagreements=tuple(
            f"{case.prediction.instance_id} {case.prediction.model}"
            for case in cases
            if fast.resolved[case.key] != known[case.key]
            or slow.resolved.get(case.key, known[case.key]) != known[case.key]
        ),
    )


def known_of(cases: Sequence[EvaluationCase]) -> dict[str, bool]:
    """Return what is known of predictions by what they are."""
    return {case.key: case.prediction.model == "gold" for case in cases}


def by_repository(store: Store, each: int, only: str) -> dict[str, list[Task]]:
    """Return so many tasks of each repository of the store, the same ones every time."""
    names = {
        bug.id: repository.key
        for repository in store.repositories()
        for bug in store.bugs(repository.tree)
    }
    groups: dict[str, list[Task]] = {}
    for task in store.tasks():
        if only in task.id:
            groups.setdefault(names[task.bug], []).append(task)
    chosen = {name: set(sample([t.id for t in own], each, 0)) for name, own in groups.items()}
    return {name: [t for t in own if t.id in chosen[name]] for name, own in groups.items()}


def total(
    found: Sequence[Compared], cases: Sequence[EvaluationCase], at_once: Graded
) -> dict[str, object]:
    """Sum up; the way that was taken for some of the predictions counts as if for all."""
    fresh_all = sum(each.seconds_fresh * each.predictions / each.fresh for each in found)
    known = known_of(cases)
    ours_all = sum(each.seconds_ours for each in found)
    return {
        "tasks": sum(each.tasks for each in found),
        "predictions": len(known),
        "as_known": sum(each.as_known for each in found),
        "as_known_in_one_run": sum(at_once.resolved[key] == known[key] for key in known),
        "fresh": sum(each.fresh for each in found),
        "as_each_other": sum(each.as_each_other for each in found),
        "seconds_ours": round(ours_all, 1),
        "seconds_ours_in_one_run": round(at_once.seconds, 1),
        "seconds_fresh_if_all": round(fresh_all, 1),
        "ratio": round(fresh_all / ours_all, 1),
        "ratio_in_one_run": round(fresh_all / at_once.seconds, 1),
    }


async def run(store: Store, *, each: int, only: str, fresh: int, workers: int) -> None:
    """Measure repository by repository, telling each as it is known, and then all in one run."""
    trees = Trees(cache_dir())
    every: list[EvaluationCase] = []
    compared = []
    coverage: dict[str, Coverage | None] = {}
    evaluation = Evaluation(
        make_backend=PARTS.make_backend, cache=cache_dir(), workers=workers, coverage=coverage.get
    )
    for name, tasks in by_repository(store, each, only).items():
        found = [find_task(store, task.id) for task in tasks]
        cases = predictions(store, trees, found)
        for key in {one.environment.id for one in found}:
            data = store.coverage(key)
            coverage[key] = None if data is None else decode(data)
        compared.append(await compare(evaluation, name, cases, fresh))
        print(json.dumps({**asdict(compared[-1]), "ratio": compared[-1].ratio}), flush=True)
        every += cases
    print(json.dumps(total(compared, every, await ours(evaluation, every))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--each", type=int, default=5, help="tasks of each repository")
    parser.add_argument("--only", default="", help="part of the ids of the tasks to take")
    parser.add_argument(
        "--fresh",
        type=int,
        default=0,
        help="predictions of each repository that are graded the other way too; 0 is all",
    )
    parser.add_argument("--workers", type=int, default=1, help="of both ways")
    given = parser.parse_args()
    with Store(given.store) as store:
        asyncio.run(
            run(
                store,
                each=given.each,
                only=given.only,
                fresh=given.fresh,
                workers=given.workers,
            )
        )


if __name__ == "__main__":
    main()

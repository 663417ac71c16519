"""Measure ``bugfoundry evaluate`` beside a fresh sandbox each that runs the whole suite.

    python -m benchmarks.evaluate --store FILE [--tasks 12] [--sandbox docker]

Predictions of which it is known what they are: the fix, the empty patch, and wrong ones (the
wounded function deleted, half of the fix, another bug in the same place). Both ways grade all of
them, one after the other, and are compared with each other and with what is known.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.evaluating import (
    Case,
    Evaluation,
    backend_of,
    by_environment,
    evaluate,
    grader_of,
    question_of,
)
from bot.finding import Found, find_task
from bot.grading import standing
from bot.predictions import Prediction
from bot.probes import sample, wrong_patches
from harness.baseline import runnable
from harness.coverage import decode
from harness.judge import grade
from storage.errors import PatchError
from storage.paths import cache_dir
from storage.records import digest
from storage.store import Store
from storage.trees import Trees
from tasks.material import gather


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One way's grades by prediction, and how long it took."""

    resolved: dict[str, bool]
    seconds: float


def predictions(store: Store, trees: Trees, found: Sequence[Found]) -> list[Case]:
    """Return the fix, the empty patch and two wrong ones for each task."""
    cases = []
    for each in found:
        fix = gather(store, trees, each.task).fix
        wrong = list(wrong_patches(each, found, trees))
        kinds = [("gold", fix), *((kind, patch) for kind, _, patch in wrong[:3])]
        for kind, patch in kinds:
            key = digest(each.task.id, kind, patch)
            prediction = Prediction(instance_id=each.task.id, patch=patch, model=kind)
            cases.append(Case(prediction=prediction, found=each, key=key))
    return list({case.key: case for case in cases}.values())


async def ours(evaluation: Evaluation, cases: Sequence[Case]) -> Graded:
    """Grade as the command does."""
    started = time.monotonic()
    found = {each.key: each.resolved async for each in evaluate(evaluation, cases)}
    return Graded(resolved=found, seconds=time.monotonic() - started)


async def theirs(evaluation: Evaluation, cases: Sequence[Case]) -> Graded:
    """Grade each in a sandbox of its own, by the whole suite in one fresh process."""
    started = time.monotonic()
    trees = Trees(evaluation.cache)
    found = {}
    for group in by_environment(cases):
        first = group[0].found
        backend = backend_of(evaluation, first)
        environment = await standing(first, backend, trees)
        grader = grader_of(evaluation, trees, first, backend, environment)
        for case in group:
            try:
                question = question_of(case.found, trees, case.prediction.patch)
            except PatchError:
                found[case.key] = False
                continue
            worker = grader.worker()
            try:
                every = runnable(first.baseline)
                run = await worker.run(grader.terms, question.files, tests=every)
            finally:
                await worker.discard()
            verdict = case.found.verdict
            found[case.key] = grade(verdict.fail_to_pass, verdict.pass_to_pass, run).resolved
    return Graded(resolved=found, seconds=time.monotonic() - started)


async def compare(store: Store, *, tasks: int, prefix: str, workers: int) -> dict[str, object]:
    """Measure both ways on a sample of the store's tasks."""
    trees = Trees(cache_dir())
    names = sample([t.id for t in store.tasks() if prefix in t.id], tasks, 0)
    found = [find_task(store, name) for name in names]
    cases = predictions(store, trees, found)
    coverage = {each.environment.id: store.coverage(each.environment.id) for each in found}
    evaluation = Evaluation(
        cache=cache_dir(),
        workers=workers,
        coverage=lambda name: None if (data := coverage[name]) is None else decode(data),
    )
    fast = await ours(evaluation, cases)
    slow = await theirs(replace(evaluation, workers=1), cases)
    known = {case.key: case.prediction.model == "gold" for case in cases}
    return {
        "tasks": len(found),
        "predictions": len(cases),
        "kinds": sorted({case.prediction.model for case in cases}),
        "workers": workers,
        "seconds_ours": round(fast.seconds, 1),
        "seconds_fresh": round(slow.seconds, 1),
        "ratio": round(slow.seconds / fast.seconds, 1),
        "agree_with_each_other": sum(fast.resolved[k] == slow.resolved[k] for k in known),
        "agree_with_what_is_known": sum(fast.resolved[k] == known[k] for k in known),
        "disagreements": [
            f"{case.prediction.instance_id} {case.prediction.model}"
            for case in cases
            if len({fast.resolved[case.key], slow.resolved[case.key], known[case.key]}) > 1
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--only", default="", help="part of the ids of the tasks to take")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with Store(given.store) as store:
        told = asyncio.run(
            compare(store, tasks=given.tasks, prefix=given.only, workers=given.workers)
        )
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()

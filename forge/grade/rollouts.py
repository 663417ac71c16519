"""Have an agent work on tasks, grade what it leaves, and keep the trajectory with its outcome."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from forge.grade.evaluation import Evaluation, EvaluationCase, backend_of, grade_case, grader_of
from forge.grade.grade import ensure_environment
from forge.grade.lookup import StoredTask
from forge.grade.predictions import Graded, Prediction, make_ungraded
from forge.run.async_work import as_they_end
from harness.judge.grader import Grader
from harness.sandboxes.agents import Agent, Start, Work, run_agent
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError
from storage.records import digest
from storage.trees import Trees
from tasks.start_state import start_commit

FIELDS = ("messages", "instance_id", "resolved", "model", "traj_id", "patch")
"""What the field's trajectories hold; the rest is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAttempt:
    """One attempt of one agent on one task."""

    found: StoredTask
    number: int
    """From 1."""
    model: str

    @property
    def key(self) -> str:
        return digest(self.found.task.id, self.found.bug.id, self.model, str(self.number))[:32]

    @property
    def traj_id(self) -> str:
        return f"{self.found.task.id}.{self.key[:8]}"


async def rollouts(
    evaluation: Evaluation, agent: Agent, attempts: Sequence[RolloutAttempt]
) -> AsyncGenerator[tuple[RolloutAttempt, dict[str, Any]], None]:
    """Yield each attempt with its trajectory as it ends, some side by side."""
    trees = Trees(evaluation.cache)
    grounds = Grounds(replace(evaluation, sandbox="local"), trees)

    async def one(attempt: RolloutAttempt) -> tuple[RolloutAttempt, dict[str, Any]]:
        return attempt, await roll_out(grounds, agent, attempt)

    async with aclosing(as_they_end(one, attempts, at_once=evaluation.workers)) as ended:
        async for found in ended:
            yield found


class Grounds:
    """Backend and grader of each environment, made for the first attempt that needs them."""

    def __init__(self, evaluation: Evaluation, trees: Trees) -> None:
        self._evaluation = evaluation
        self.trees = trees
        self._made: dict[str, tuple[LocalBackend, Grader]] = {}
        self._making = asyncio.Lock()

    async def of(self, found: StoredTask) -> tuple[LocalBackend, Grader]:
        """Return both. Raises BuildFailed or SandboxError."""
        async with self._making:
            if found.environment.id not in self._made:
                backend = backend_of(self._evaluation, found)
                assert isinstance(backend, LocalBackend)
                environment = await ensure_environment(found, backend, self.trees)
                grader = grader_of(self._evaluation, self.trees, found, backend, environment)
                self._made[found.environment.id] = backend, grader
        return self._made[found.environment.id]


async def roll_out(grounds: Grounds, agent: Agent, attempt: RolloutAttempt) -> dict[str, Any]:
    """Run the agent once and grade its patch. What goes wrong is part of the answer."""
    started = time.monotonic()
    found, trees = attempt.found, grounds.trees
    work = Work(patch="", exit=None, output="")
    resolved, error, detail = False, "", ""
    taken_back: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    try:
        backend, grader = await grounds.of(found)
        environment = grader.terms.environment
        told = replace(agent, env={**agent.env, **variables(found)})
        work = await run_agent(backend, environment, start_of(found, trees), told)
        graded = await grade_work(trees, grader, attempt, work)
        resolved, error, detail = graded.resolved, graded.error, graded.detail or work.detail
        taken_back, notes = graded.taken_back, graded.notes
    except BuildFailed as failure:
        error, detail = "environment-failed", str(failure)
    except SandboxError as failure:
        error, detail = "sandbox-broken", str(failure)
    return {
        "messages": messages(work, found.task.statement),
        "instance_id": found.task.id,
        "resolved": resolved,
        "model": attempt.model,
        "traj_id": attempt.traj_id,
        "patch": work.patch,
        "exit": work.exit,
        "error": error,
        "detail": detail,
        "taken_back": list(taken_back),
        "notes": list(notes),
        "seconds": round(time.monotonic() - started, 2),
    }


async def grade_work(trees: Trees, grader: Grader, attempt: RolloutAttempt, work: Work) -> Graded:
    """Grade an agent's work; where it cannot be graded, say why not."""
    found = attempt.found
    prediction = Prediction(instance_id=found.task.id, patch=work.patch, model=attempt.model)
    if work.error:
        return make_ungraded(prediction, work.error, attempt.key, work.detail)
    case = EvaluationCase(prediction=prediction, found=found, key=attempt.key)
    worker = grader.worker()
    try:
        return await grade_case(case, trees, grader, worker)
    finally:
        await worker.discard()


def variables(found: StoredTask) -> dict[str, str]:
    """Return what tells the agent its task."""
    return {
        "BUGFOUNDRY_TASK": found.task.id,
        "BUGFOUNDRY_STATEMENT": found.task.statement,
    }


def start_of(found: StoredTask, trees: Trees) -> Start:
    """Return what the agent finds."""
    start = start_commit(trees, found.bug, found.task.test_patch)
    return Start(
        trees=trees,
        tree=start.tree,
        over=found.bug.tree,
        statement=found.task.statement,
    )


def messages(work: Work, statement: str) -> list[Any]:
    """Return the agent's own messages; where it wrote none, what it was told and printed."""
    try:
        told = json.loads(work.trajectory)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, Mapping):
        told = told.get("messages")
    if isinstance(told, list) and told and all(isinstance(each, Mapping) for each in told):
        return told
    return [
        {"role": "user", "content": statement},
        {"role": "assistant", "content": work.output},
    ]


def export_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trajectory as the field has it."""
    return {name: row[name] for name in FIELDS}

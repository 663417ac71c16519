"""Find a task with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.judge.judge import HARNESS_VERSION
from storage.errors import StoreError
from storage.records import Baseline, Bug, Environment, Repository, Task, Verdict
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A task, its bug, the verdict that made it, and the environment it was judged in."""

    task: Task
    bug: Bug
    verdict: Verdict
    environment: Environment
    baseline: Baseline
    repository: Repository


MODES = ("full", "selected")
"""Ways of judging, the one that ran every test first."""


def find_task(store: Store, name: str) -> StoredTask:
    """Find a task by its id or a unique part of it. Raises StoreError when there is not one."""
    task = store.task(name)
    bug = store.bug(task.bug)
    verdicts = (store.verdict(task.bug, task.environment, HARNESS_VERSION, mode) for mode in MODES)
    verdict = next((each for each in verdicts if each is not None and each.valid), None)
    environment = store.environment(task.environment)
    baseline = store.baseline(task.environment)
    repository = None if bug is None else store.repository(bug.tree)
    if not (bug and verdict and environment and baseline and repository):
        raise StoreError(
            f"task {task.id} was judged by other rules than these ({HARNESS_VERSION}); "
            "run the `forge` that made it again"
        )
    return StoredTask(
        task=task,
        bug=bug,
        verdict=verdict,
        environment=environment,
        baseline=baseline,
        repository=repository,
    )

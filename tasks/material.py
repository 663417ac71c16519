"""All that a row of an export is made of, gathered for one task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from storage.errors import StoreError
from storage.records import Bug, Environment, Origin, Repository, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.plain_context import narrow_context
from tasks.ids import environment_key
from tasks.start_state import StartState, fix_patch, start_commit


@dataclass(frozen=True, kw_only=True)
class Material:
    """A task with what belongs to it. What costs time is computed when a format asks for it."""

    task: Task
    bug: Bug
    origins: tuple[Origin, ...]
    verdict: Verdict
    environment: Environment
    repository: Repository
    trees: Trees
    suite_seconds: float = 0.0
    """One whole run of the baseline."""
    slowest_test: float = 0.0
    """Seconds of the baseline's slowest test that passed."""
    licence: str = ""
    """SPDX expression of the repository's licence; empty when not known."""
    benchmarks: tuple[str, ...] = ()
    """Public benchmarks that the repository is in."""
    overlaps: int = 0
    """Tasks of the whole export whose repository is in a public benchmark."""
    nearest: tuple[str, ...] | None = None
    """PASS_TO_PASS as it leaves, where it was cut down; None for all of the verdict's."""

    @property
    def pass_to_pass(self) -> tuple[str, ...]:
        """PASS_TO_PASS as it leaves."""
        return self.verdict.pass_to_pass if self.nearest is None else self.nearest

    @cached_property
    def start(self) -> StartState:
        """What a solver sees."""
        return start_commit(self.trees, self.bug, self.task.test_patch)

    @cached_property
    def fix(self) -> str:
        """The patch that takes the bug out of the start state."""
        return narrow_context(fix_patch(self.trees, self.bug))


def gather(store: Store, trees: Trees, task: Task) -> Material:
    """Return a task with what belongs to it. Raises StoreError when the store lacks some."""
    bug, environment = store.bug(task.bug), store.environment(task.environment)
    verdicts = [v for v in store.verdicts(task.environment, bug=task.bug) if v.valid]
    known = store.repositories()
    repository = None if bug is None else named_repository(known, bug.tree, task.id)
    if bug is None or environment is None or repository is None or not verdicts:
        raise StoreError(f"task {task.id} lacks its bug or a valid verdict; forge it again")
    baseline = store.baseline(task.environment)
    passed = [t.seconds for t in baseline.tests if t.outcome == "passed"] if baseline else []
    return Material(
        task=task,
        bug=replace(bug, patch=narrow_context(bug.patch)),
        origins=tuple(store.origins(bug.id)),
        verdict=verdicts[-1],
        environment=environment,
        repository=repository,
        trees=trees,
        suite_seconds=baseline.seconds if baseline else 0.0,
        slowest_test=max(passed, default=0.0),
    )


def named_repository(
    repositories: Iterable[Repository], tree: str, task_id: str
) -> Repository | None:
    """Return the repository under whose name a task was made: trees can have several."""
    for repository in repositories:
        if repository.tree == tree and task_id.startswith(f"{environment_key(repository)}."):
            return repository
    return None

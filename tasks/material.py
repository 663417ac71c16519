"""All that a row of an export is made of, gathered for one task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from storage.errors import StoreError
from storage.records import Bug, Environment, Origin, Repository, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.ids import environment_key
from tasks.start_state import StartState, broken_files, start_commit


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

    @cached_property
    def start(self) -> StartState:
        """What a solver sees."""
        return start_commit(self.trees, self.bug, self.task.test_patch)

    @cached_property
    def fix(self) -> str:
        """The patch that takes the bug out of the start state."""
        broken = broken_files(self.trees, self.bug)
        unbroken = self.trees.read_all(self.bug.tree, broken)
        modes = self.trees.paths(self.bug.tree)
        return "".join(
            unified_diff(
                path, broken[path], unbroken.get(path), mode=modes.get(path) or self._mode(path)
            )
            for path in sorted(broken)
        )

    def _mode(self, path: str) -> str:
        return next(change.mode for change in self.bug.changes if change.path == path)


def gather(store: Store, trees: Trees, task: Task) -> Material:
    """Return a task with what belongs to it. Raises StoreError when the store lacks some."""
    bug, environment = store.bug(task.bug), store.environment(task.environment)
    verdicts = [v for v in store.verdicts(task.environment, bug=task.bug) if v.valid]
    repository = None if bug is None else _repository(store, bug.tree, task.id)
    if bug is None or environment is None or repository is None or not verdicts:
        raise StoreError(f"task {task.id} lacks its bug or a valid verdict; forge it again")
    baseline = store.baseline(task.environment)
    passed = [t.seconds for t in baseline.tests if t.outcome == "passed"] if baseline else []
    return Material(
        task=task,
        bug=bug,
        origins=tuple(store.origins(bug.id)),
        verdict=verdicts[-1],
        environment=environment,
        repository=repository,
        trees=trees,
        suite_seconds=baseline.seconds if baseline else 0.0,
        slowest_test=max(passed, default=0.0),
    )


def _repository(store: Store, tree: str, task_id: str) -> Repository | None:
    """Return the repository under whose name the task was made: trees can have several."""
    for repository in store.repositories():
        if repository.tree == tree and task_id.startswith(f"{environment_key(repository)}."):
            return repository
    return None

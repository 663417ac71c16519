"""What gates look at: a task with what belongs to it, and the rules that a person may set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from storage.errors import StoreError
from storage.records import Bug, Repository, Task
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path
from tasks.benchmarks import Overlap, deny_list
from tasks.declared import read_declared
from tasks.licences import ALLOWED, Licence, detect
from tasks.material import named_repository
from tasks.public import as_text, is_documentation, public_names, words_of
from tasks.statements import is_template

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is let through. Each setting is of one gate."""

    licences: frozenset[str] = ALLOWED
    largest_share: float = 0.25
    """Of the suite that a bug may turn red, where it is more than ``few`` tests."""
    few: int = 10
    likeness: float = 0.9
    """From which two patches or two statements are the same in all but name (Jaccard)."""
    benchmarks_allowed: bool = False
    """Let tasks on repositories of public benchmarks through."""


@dataclass(frozen=True, kw_only=True)
class GateTree:
    """A repository at one tree, and what gates know of it; found out once for all its tasks."""

    repository: Repository
    paths: frozenset[str]
    read: Read
    read_all: Callable[[Iterable[str]], Mapping[str, bytes]]

    @cached_property
    def licence(self) -> Licence:
        """What it is licensed under."""
        return detect(self.paths, self.read)

    @cached_property
    def public(self) -> frozenset[str]:
        """Words of its documentation, and names that its code shows to whoever uses it."""
        docs = self.read_all(path for path in sorted(self.paths) if is_documentation(path))
        source = self.read_all(path for path in sorted(self.paths) if is_source_path(path))
        found = set(words_of("\n".join(map(as_text, docs.values()))))
        return frozenset(found.union(*(public_names(as_text(each)) for each in source.values())))

    @cached_property
    def overlap(self) -> Overlap | None:
        """What it has to do with public benchmarks."""
        return deny_list().match(self.repository, read_declared(self.read).name)


@dataclass(frozen=True, kw_only=True)
class GateSubject:
    """A task as gates see it. Light: there may be many thousands at once."""

    task: Task
    bug: Bug
    tree: GateTree
    fail_to_pass: tuple[str, ...]
    spilled: int = 0
    """Tests that are red with the bug in company alone."""
    kinds: Mapping[str, int] = field(default_factory=dict)
    """In which ways FAIL_TO_PASS were red; empty where it was not noted."""
    passing: tuple[str, ...] = field(default=(), repr=False)
    """Ids of the baseline's tests that pass; one tuple for all tasks of an environment."""
    lock: str = field(default="", repr=False)
    """The environment's distributions, one ``name==version`` a line."""

    @property
    def suite(self) -> int:
        """Tests of the baseline that pass."""
        return len(self.passing)

    @property
    def has_written_statement(self) -> bool:
        """Whether somebody wrote the statement, and no template."""
        return not is_template(self.task.statement)


def subjects(store: Store, trees: Trees, tasks: Iterable[Task]) -> list[GateSubject]:
    """Gather what gates look at, ordered by id. Raises StoreError for a task that lacks some."""
    known = {(each.tree, each.owner, each.name, each.commit): each for each in store.repositories()}
    found = Gathering(store, trees, tuple(known.values()))
    return [found.subject(task) for task in sorted(tasks, key=lambda task: task.id)]


class Gathering:
    """Reads each tree, baseline and environment once."""

    def __init__(self, store: Store, trees: Trees, repositories: tuple[Repository, ...]) -> None:
        self._store = store
        self._trees = trees
        self._repositories = repositories
        self._known: dict[tuple[str, str], GateTree] = {}
        self._suites: dict[str, tuple[str, ...]] = {}
        self._locks: dict[str, str] = {}

    def subject(self, task: Task) -> GateSubject:
        """Gather one task."""
        bug = self._store.bug(task.bug)
        verdicts = self._store.verdicts(task.environment, bug=task.bug)
        valid = [verdict for verdict in verdicts if verdict.valid]
        repository = (
            None if bug is None else named_repository(self._repositories, bug.tree, task.id)
        )
        if not (bug and valid and repository):
            raise StoreError(f"task {task.id} lacks its bug or a valid verdict; forge it again")
        return GateSubject(
            task=task,
            bug=bug,
            tree=self._tree(repository),
            fail_to_pass=valid[-1].fail_to_pass,
            spilled=len(valid[-1].spilled),
            kinds=dict(valid[-1].kinds),
            passing=self._list_passing(task.environment),
            lock=self._lock(task.environment),
        )

    def _tree(self, repository: Repository) -> GateTree:
        key = (repository.tree, repository.key)
        if key not in self._known:
            tree = repository.tree
            self._known[key] = GateTree(
                repository=repository,
                paths=frozenset(self._trees.paths(tree)),
                read=lru_cache(maxsize=200)(lambda path: self._trees.read_file(tree, path)),
                read_all=lambda paths: self._trees.read_all(tree, paths),
            )
        return self._known[key]

    def _list_passing(self, environment: str) -> tuple[str, ...]:
        if environment not in self._suites:
            baseline = self._store.baseline(environment)
            self._suites[environment] = baseline.green if baseline else ()
        return self._suites[environment]

    def _lock(self, environment: str) -> str:
        if environment not in self._locks:
            found = self._store.environment(environment)
            self._locks[environment] = found.lock if found else ""
        return self._locks[environment]

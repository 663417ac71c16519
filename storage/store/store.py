"""The store: every record in one SQLite file, durable when a method returns.

The only SQL of the project. Writing what is there already changes nothing, so a run that was
killed can be started again, and two at once do each other no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.errors import StoreError
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    Origin,
    PlanAttempt,
    Repository,
    SandboxKind,
    Task,
    Verdict,
)
from storage.tables import rows
from storage.tables.batches import Batches
from storage.tables.calls import ModelCalls
from storage.tables.campaigns import Campaigns
from storage.tables.database import open_database, translate_errors
from storage.tables.deliveries import Deliveries
from storage.tables.dispatches import Dispatches
from storage.tables.hosted import HostedTable
from storage.tables.jobs import Jobs
from storage.tables.pulls import Pulls
from storage.tables.purge import Purging
from storage.tables.table import Tables
from storage.tables.test_lists import TestLists
from storage.views import Views

FIRST_ORIGIN = """
    select bugs.*, strategy, operator, path, entity, line, seed, "commit", pull, undone,
        parents, model
    from bugs join origins on origins.rowid =
        (select min(rowid) from origins where origins.bug = bugs.id)
"""


class Store(Tables):
    """One SQLite file. Opening creates it; raises StoreError when it cannot be used.

    Nothing can be written to one that is opened ``read_only``, once it is open. What is written to
    one that is not ``lasting`` outlives its process, but may be undone, the newest first, by a
    machine that loses its power: for what is then done again. Without ``checkpoints`` the log is
    left to others who write the same file: for one that is in a hurry.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        busy_timeout: float = 30.0,
        read_only: bool = False,
        lasting: bool = True,
        checkpoints: bool = True,
    ) -> None:
        super().__init__(open_database(Path(path), busy_timeout=busy_timeout), Path(path))
        if read_only:
            self._db.execute("PRAGMA query_only=on")
        if not lasting:
            # https://www.sqlite.org/pragma.html#pragma_synchronous
            self._db.execute("PRAGMA synchronous=normal")
        if not checkpoints:
            self._db.execute("PRAGMA wal_autocheckpoint=0")
        self._lists = TestLists(self._db)
        self.pulls = Pulls(self._db, self.path)
        """Pull requests, their issues, and what became of them."""
        self.calls = ModelCalls(self._db, self.path)
        """Calls to a language model, and the dollars set aside for those under way."""
        self.batches = Batches(self._db, self.path)
        """Calls to a language model that are sent together."""
        self.deliveries = Deliveries(self._db, self.path)
        """What GitHub told the service."""
        self.jobs = Jobs(self._db, self.path)
        """What the service has to do."""
        self.hosted = HostedTable(self._db, self.path)
        """Where the App is installed, and what is opted in."""
        self.purging = Purging(self._db, self.path)
        """Erasing what is known of a repository."""
        self.views = Views(self._db, self.path)
        """What pages show."""
        self.dispatches = Dispatches(self._db, self.path)
        """Batches of bugs that are judged elsewhere, and what they may take."""
        self.campaigns = Campaigns(self._db, self.path)
        """How far campaigns are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make whatever is written inside one change: all or nothing."""
        with self._write_together():
            yield

    def compact(self) -> None:
        """Give unused space back to the disk, and write all into the one file."""
        with translate_errors(self.path):
            self._db.vacuum()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def add_repository(self, repository: Repository) -> None:
        """Keep a repository; it becomes the one its tree is known by. A root once known stays."""
        row = rows.to_row(repository)
        if not repository.root:
            del row["root"]
        with self._write_together():
            self._tree(repository.tree)
            self._put_row("repositories", row | {"turn": self._turn("repositories")})

    def repository(self, tree: str) -> Repository | None:
        """Return the repository that was last added with this tree."""
        query = "select * from repositories where tree = ? order by turn desc limit 1"
        return next((rows.from_row(row, Repository) for row in self._read_rows(query, tree)), None)

    def repositories(self) -> list[Repository]:
        """Return all, in the order of their last addition."""
        query = "select * from repositories order by turn"
        return [rows.from_row(row, Repository) for row in self._read_rows(query)]

    def add_attempt(self, tree: str, sandbox: SandboxKind, attempt: PlanAttempt) -> None:
        """Keep what came of a plan, in the place of an earlier attempt with the same plan."""
        plan = rows.to_json(attempt.plan)
        row = rows.to_row(attempt, plan=plan, ok=int(attempt.ok))
        with self._write_together():
            self._tree(tree)
            same = [tree, sandbox, plan]
            self._db.execute(
                "delete from attempts where tree = ? and sandbox = ? and plan = ?", same
            )
            self._put_row("attempts", {"tree": tree, "sandbox": sandbox} | row, replace=False)

    def attempts(self, tree: str, sandbox: SandboxKind | None = None) -> list[PlanAttempt]:
        """Return what was tried on a tree, in order."""
        query = "select * from attempts where tree = ? and sandbox = ifnull(?, sandbox) order by id"
        return [rows.attempt(row) for row in self._read_rows(query, tree, sandbox)]

    def add_environment(self, environment: Environment) -> None:
        """Keep an environment; it becomes the one of its tree and kind of sandbox."""
        plan = rows.to_json(environment.plan)
        with self._write_together():
            self._tree(environment.tree)
            turn = self._turn("environments")
            row = rows.to_row(environment, plan=plan, id=environment.id, turn=turn)
            self._put_row("environments", row)

    def environment(self, environment_id: str) -> Environment | None:
        """Return an environment by its id."""
        found = self._read_rows("select * from environments where id = ?", environment_id)
        return next((rows.environment(row) for row in found), None)

    def environment_for(self, tree: str, sandbox: SandboxKind) -> Environment | None:
        """Return the environment last added for a tree and kind of sandbox."""
        found = self._read_rows(
            "select * from environments where tree = ? and sandbox = ? order by turn desc limit 1",
            tree,
            sandbox,
        )
        return next((rows.environment(row) for row in found), None)

    def handles(self, sandbox: SandboxKind) -> set[str]:
        """Return the handles of all environments of a kind of sandbox."""
        query = "select distinct handle from environments where sandbox = ?"
        return {str(row["handle"]) for row in self._read_rows(query, sandbox)}

    def add_baseline(self, baseline: Baseline) -> None:
        """Keep a baseline, in the place of an earlier one of the same environment."""
        key = baseline.environment
        with self._write_together():
            numbers = self._lists.numbers.of(key, [test.id for test in baseline.tests])
            green = self._lists.keep_green(baseline)
            self._db.execute("delete from baseline_tests where environment = ?", [key])
            row = {"environment": key, "seconds": baseline.seconds, "runs": baseline.runs}
            self._put_row("baselines", row | {"green": green})
            for position, (number, test) in enumerate(zip(numbers, baseline.tests, strict=True)):
                place = {"environment": key, "position": position, "number": number}
                details = rows.to_row(test)
                del details["id"]
                self._put_row("baseline_tests", place | details)

    def baseline(self, environment_id: str) -> Baseline | None:
        """Return the baseline of an environment."""
        query = "select * from baselines where environment = ?"
        for row in self._read_rows(query, environment_id):
            tests = self._read_rows(
                "select test as id, outcome, seconds, set_aside from baseline_tests "
                "join tests using (environment, number) where environment = ? order by position",
                environment_id,
            )
            listed = tuple(rows.from_row(test, BaselineTest) for test in tests)
            return rows.from_row(row, Baseline, tests=listed)
        return None

    def set_coverage(self, environment_id: str, data: bytes | None) -> None:
        """Keep what an environment's tests were seen to run; None forgets it."""
        with self._write_together():
            self._db.execute("delete from coverage where environment = ?", [environment_id])
            if data is not None:
                self._put_row("coverage", {"environment": environment_id, "data": data})

    def coverage(self, environment_id: str) -> bytes | None:
        """Return what was kept by ``set_coverage``."""
        found = self._read_rows("select data from coverage where environment = ?", environment_id)
        return next((bytes(row["data"]) for row in found), None)

    def set_image(self, environment_id: str, image: str) -> None:
        """Keep where an environment's image can be pulled, by its digest."""
        with self._write_together():
            self._put_row("images", {"environment": environment_id, "image": image})

    def image(self, environment_id: str) -> str:
        """Return where an environment's image can be pulled; empty where it is in no registry."""
        found = self._read_rows("select image from images where environment = ?", environment_id)
        return str(found[0]["image"]) if found else ""

    def add_bug(self, bug: Bug) -> None:
        """Keep a bug and its origin; a bug already known gains the origin."""
        row = {"id": bug.id, "tree": bug.tree, "patch": rows.text(bug.patch)}
        with self._write_together():
            self._tree(bug.tree)
            self._put_row("bugs", row | {"changes": rows.to_json(bug.changes)}, replace=False)
            self._put_row("origins", rows.from_origin(bug), replace=False)

    def bug(self, bug_id: str) -> Bug | None:
        """Return a bug by its id, with the origin found first."""
        found = self._read_rows(f"{FIRST_ORIGIN} where bugs.id = ?", bug_id)
        return next((rows.bug(row) for row in found), None)

    def bugs(self, tree: str) -> list[Bug]:
        """Return the bugs of a tree, in the order they were found."""
        found = self._read_rows(f"{FIRST_ORIGIN} where bugs.tree = ? order by bugs.rowid", tree)
        return [rows.bug(row) for row in found]

    def origins(self, bug_id: str) -> list[Origin]:
        """Return every origin of a bug, the first found first."""
        found = self._read_rows("select * from origins where bug = ? order by rowid", bug_id)
        return [rows.origin(row) for row in found]

    def add_verdict(self, verdict: Verdict) -> None:
        """Keep a verdict, in the place of one with the same key.

        Its bug and environment are to be in the store: StoreError when they are not.
        """
        with self._write_together():
            kinds = rows.to_json(verdict.kinds)
            self._put_row(
                "verdicts", rows.to_row(verdict, kinds=kinds, **self._lists.columns(verdict))
            )

    def verdict(self, bug: str, environment: str, harness: str, mode: str) -> Verdict | None:
        """Return the verdict on a bug in an environment, by one version of the rules and mode."""
        found = self._verdicts(bug=bug, environment=environment, harness=harness, mode=mode)
        return found[0] if found else None

    def verdicts(
        self,
        environment: str | None = None,
        harness: str | None = None,
        mode: str | None = None,
        *,
        bug: str | None = None,
    ) -> list[Verdict]:
        """Return the verdicts in the order they were given; all, or those asked for."""
        return self._verdicts(bug=bug, environment=environment, harness=harness, mode=mode)

    def list_judged_bugs(self, environment: str, harness: str, mode: str) -> set[str]:
        """Return the ids of the bugs that have a verdict."""
        query = "select bug from verdicts where environment = ? and harness = ? and mode = ?"
        return {row["bug"] for row in self._read_rows(query, environment, harness, mode)}

    def verdict_sums(self) -> list[tuple[str, int, int, float]]:
        """Return of each tree how many verdicts there are, how many valid, and their seconds."""
        query = (
            "select tree, count(*) as verdicts, sum(reason = 'valid') as valid, "
            "sum(verdicts.seconds) as seconds from verdicts "
            "join environments on environments.id = environment group by tree"
        )
        return [
            (str(row["tree"]), int(row["verdicts"]), int(row["valid"]), float(row["seconds"]))
            for row in self._read_rows(query)
        ]

    def task_trees(self) -> list[str]:
        """Return the tree of each task."""
        query = "select tree from tasks join bugs on bugs.id = tasks.bug"
        return [str(row["tree"]) for row in self._read_rows(query)]

    def made_tasks(self, tree: str) -> set[str]:
        """Return the bugs of a tree that became tasks."""
        query = "select distinct bug from tasks join bugs on bugs.id = bug where tree = ?"
        return {str(row["bug"]) for row in self._read_rows(query, tree)}

    def add_task(self, task: Task) -> None:
        """Keep a task. One with the same id is replaced, but for its time of creation."""
        with self._write_together():
            before = self._read_rows("select created from tasks where id = ?", task.id)
            kept = {"created": before[0]["created"]} if before else {}
            lists = {"hints": rows.to_json(task.hints), "removed": rows.to_json(task.removed)}
            self._put_row("tasks", rows.to_row(task, **lists, **kept))

    def task(self, name: str) -> Task:
        """Return a task by its id, or by a beginning, end or part that only it has.

        Raises StoreError when there is no such task, or more than one.
        """
        exact = self._read_rows("select * from tasks where id = ?", name)
        found = exact or self._read_rows(
            "select * from tasks where instr(id, ?) > 0 order by id", name
        )
        if not found or not name:
            raise StoreError(f"no task {name!r} in {self.path}; `bugfoundry tasks` lists them")
        if len(found) > 1:
            raise StoreError(f"{name!r} could be {len(found)} tasks, as {found[0]['id']}; say more")
        return rows.task(found[0])

    def tasks_with_trees(self) -> list[tuple[Task, str]]:
        """Return all tasks with the trees they are of, ordered by id."""
        query = "select tasks.*, tree from tasks join bugs on bugs.id = tasks.bug order by tasks.id"
        return [(rows.task(row), row["tree"]) for row in self._read_rows(query)]

    def tasks(self) -> list[Task]:
        """Return all tasks, ordered by id."""
        return [rows.task(row) for row in self._read_rows("select * from tasks order by id")]

    def _forget(self) -> None:
        self._lists.numbers.forget()

    def _verdicts(self, **key: str | None) -> list[Verdict]:
        wanted = {column: value for column, value in key.items() if value is not None}
        where = " and ".join(f"{column} = ?" for column in wanted) or "true"
        query = f"select * from verdicts where {where} order by rowid"
        found = self._read_rows(query, *wanted.values())
        with translate_errors(self.path):
            return [rows.verdict(row, self._lists.of(row)) for row in found]

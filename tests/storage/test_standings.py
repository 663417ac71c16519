"""How each bug stands: whatever is written, by whomever, the one row says what the rest says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import booleans, integers, sampled_from
from sqlite_utils import Database

from storage.store import Store
from tests.storage.samples import (
    ENVIRONMENT,
    REPOSITORY,
    make_baseline,
    make_bug,
    make_task,
    make_verdict,
)

EXPECTED = """
    select bugs.id as bug, bugs.tree, first.strategy, first.operator, first.path, first.entity,
        first.line, ifnull(given.reason, '') as reason, ifnull(given.mode, '') as mode,
        ifnull(given.environment, '') as environment, ifnull(given.harness, '') as harness,
        ifnull(given.seconds, 0) as seconds,
        (select count(*) from tasks where tasks.bug = bugs.id) as tasks
    from bugs
    join origins as first on first.rowid =
        (select min(rowid) from origins where origins.bug = bugs.id)
    left join verdicts as given on given.rowid =
        (select max(rowid) from verdicts where verdicts.bug = bugs.id)
    order by bugs.id
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        opened.add_repository(REPOSITORY)
        opened.add_environment(ENVIRONMENT)
        opened.add_baseline(make_baseline())
        yield opened


def standings(path: Path) -> list[dict[str, object]]:
    with Database(path) as db:
        found = list(db.query("select * from standings order by bug"))
    return [{key: row[key] for key in row if key != "id"} for row in found]


def expected(path: Path) -> list[dict[str, object]]:
    with Database(path) as db:
        return list(db.query(EXPECTED))


def test_a_bug_stands_by_its_first_origin_and_its_last_verdict(store: Store) -> None:
    bug = make_bug()
    store.add_bug(bug)
    store.add_bug(make_bug(operator="found again"))
    store.add_verdict(make_verdict(bug, harness="1"))
    store.add_verdict(make_verdict(bug, harness="2"))
    store.add_task(make_task(bug))

    [row] = standings(store.path)
    assert (row["operator"], row["reason"], row["harness"]) == ("negate", "valid", "2")
    assert row["tasks"] == 1


@settings(stateful_step_count=25)
class Writing(RuleBasedStateMachine):
    """Bugs, verdicts and tasks come and go in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(":memory:")
        self.store.add_repository(REPOSITORY)
        self.store.add_environment(ENVIRONMENT)
        self.store.add_baseline(make_baseline())

    @rule(number=integers(0, 3), operator=sampled_from(["negate", "swap"]))
    def add_bug(self, number: int, operator: str) -> None:
        self.store.add_bug(make_bug(number, operator=operator))

    @rule(number=integers(0, 3), harness=sampled_from(["1", "2"]), task=booleans())
    def add_verdict(self, number: int, harness: str, task: bool) -> None:
        bug = make_bug(number)
        self.store.add_bug(bug)
        self.store.add_verdict(make_verdict(bug, harness=harness))
        if task:
            self.store.add_task(make_task(bug))

    @rule(number=integers(0, 3), what=sampled_from(["tasks", "verdicts", "origins", "bugs"]))
    def purge(self, number: int, what: str) -> None:
        """Delete all of a bug, or only what hangs on it."""
        bug = make_bug(number).id
        tables = ["tasks", "verdicts"] if what in ("origins", "bugs") else [what]
        with self.store.together():
            for table in tables:
                self._db.execute(f"delete from {table} where bug = ?", [bug])
            if what in ("origins", "bugs"):
                self._db.execute("delete from origins where bug = ?", [bug])
                self._db.execute("delete from bugs where id = ?", [bug])

    @property
    def _db(self) -> sqlite3.Connection:
        return self.store._db.conn

    @invariant()
    def says_what_the_rest_says(self) -> None:
        db = self.store._db
        found = [
            {key: row[key] for key in row if key != "id"}
            for row in db.query("select * from standings order by bug")
        ]
        # An older verdict given anew is the one that counts, which no row number tells.
        told = {"reason", "mode", "environment", "harness", "seconds"}
        assert [{k: v for k, v in row.items() if k not in told} for row in found] == [
            {k: v for k, v in row.items() if k not in told} for row in db.query(EXPECTED)
        ]
        judged = {row["bug"] for row in db.query("select bug from verdicts")}
        assert {row["bug"] for row in found if row["reason"]} == judged

    def teardown(self) -> None:
        self.store.close()


TestWriting = Writing.TestCase

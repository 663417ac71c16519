"""Erases all that is known of a repository that opted out, but for what others share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.tables.pulls import NAMED
from storage.tables.table import Tables
from storage.tables.test_numbers import note_erasure

if TYPE_CHECKING:
    from storage.tables.hosted import Hosted

OWN = """
    select link.tree from hosted_trees as link where link.repository = ?1
        and not exists (
            select 1 from hosted_trees as other
            where other.tree = link.tree and other.repository != ?1)
        and not exists (
            select 1 from repositories as other
            where other.tree = link.tree and lower(other.owner || '/' || other.name) != lower(?2)
                and other."commit" not in (
                    select "commit" from hosted_trees where repository = ?1))
"""
"""Trees that no other repository has. One of another name and the same commit is the same
repository before it was renamed."""
IN_TREES = "(select tree from temp.purged)"
BUGS = f"(select id from bugs where tree in {IN_TREES})"
ENVIRONMENTS = f"(select id from environments where tree in {IN_TREES})"
JUDGED = f"bug in {BUGS} or environment in {ENVIRONMENTS}"
ERASED: tuple[tuple[str, str], ...] = (
    ("tasks", JUDGED),
    ("verdicts", JUDGED),
    ("origins", f"bug in {BUGS}"),
    ("mirrorings", f"tree in {IN_TREES}"),
    ("bugs", f"tree in {IN_TREES}"),
    ("images", f"environment in {ENVIRONMENTS}"),
    ("coverage", f"environment in {ENVIRONMENTS}"),
    ("baseline_tests", f"environment in {ENVIRONMENTS}"),
    ("baselines", f"environment in {ENVIRONMENTS}"),
    ("tests", f"environment in {ENVIRONMENTS}"),
    ("environments", f"tree in {IN_TREES}"),
    ("attempts", f"tree in {IN_TREES}"),
    ("repositories", f"tree in {IN_TREES}"),
    ("hosted_trees", f"tree in {IN_TREES}"),
    ("trees", f"tree in {IN_TREES}"),
)
"""By table, in an order in which nothing is left that refers to what is gone."""
SETS = ("fail_to_pass", "spilled", "green", "excluded", "pass_to_pass")
OF_REPOSITORY = ("hosted_trees", "marks", "written", "deliveries", "jobs")
ANSWERS = """
    update model_calls set key = 'erased ' || rowid, answer = '' where lower(repository) = lower(?)
"""
"""What was paid stays in the accounts; what was said goes."""
RUNS = "update dispatches set detail = '' where lower(repository) = lower(?)"
"""So do the minutes of runs elsewhere, and what they said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows of each table were erased."""

    rows: dict[str, int]
    shared: int
    """Trees that another repository has too: they stay."""


class Purging(Tables):
    """Erases; reached as ``store.purging``."""

    def erase(self, hosted: Hosted) -> Erased:
        """Erase what is known of a repository, all or nothing; that it opted out is remembered."""
        with self._write_together():
            self._db.execute("create temp table purged (tree text primary key)")
            try:
                own = f"insert into temp.purged {OWN}"
                self._db.execute(own, [hosted.id, hosted.name])
                rows = {table: self._delete(table, where) for table, where in ERASED}
                shared = self._count("hosted_trees", "repository = ?", hosted.id)
            finally:
                self._db.execute("drop table temp.purged")
            for table in OF_REPOSITORY:
                erased = self._delete(table, "repository = ?", hosted.id)
                rows[table] = rows.get(table, 0) + erased
            for table in NAMED:
                erased = self._delete(table, "lower(repository) = lower(?)", hosted.name)
                rows[table] = rows.get(table, 0) + erased
            for accounts in (ANSWERS, RUNS):
                self._db.execute(accounts, [hosted.name])
            self._delete("test_sets", _make_unused_condition())
            self._forget_code(hosted)
            note_erasure(self._db)
        return Erased(rows={name: count for name, count in rows.items() if count}, shared=shared)

    def _forget_code(self, hosted: Hosted) -> None:
        blank = {"head": "", "commit": "", "tree": "", "built": 0.0, "settings": "{}"}
        self._db.table("hosted").update(hosted.id, blank)

    def _delete(self, table: str, where: str, *values: str | int) -> int:
        count = self._count(table, where, *values)
        if count:
            self._db.execute(f"delete from {table} where {where}", list(values))
        return count

    def _count(self, table: str, where: str, *values: str | int) -> int:
        found = self._read_rows(f"select count(*) as rows from {table} where {where}", *values)
        return int(found[0]["rows"])


def _make_unused_condition() -> str:
    columns = [("verdicts", column) for column in SETS] + [("baselines", "green")]
    used = " union ".join(
        f"select {column} from {table} where {column} is not null" for table, column in columns
    )
    return f"name not in ({used})"

"""A verdict's lists of tests in the store: what repeats is stored once, the rest derived.

PASS_TO_PASS is nearly always the baseline's green tests without those of FAIL_TO_PASS, so only
the names of those two sets are kept; a list that is not of this form is kept whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage.records import Baseline, Verdict
from storage.tables import test_sets
from storage.tables.rows import Row
from storage.tables.sqlite import Database
from storage.tables.test_numbers import TestNumbers


class TestLists:
    """Writes lists as named sets and reads them back. Writing needs the write lock held."""

    __test__ = False

    def __init__(self, db: Database) -> None:
        self._db = db
        self.numbers = TestNumbers(db)

    def keep_green(self, baseline: Baseline) -> str:
        """Keep the set of a baseline's green tests, and return its name."""
        return self._keep(self.numbers.of(baseline.environment, baseline.green))

    def columns(self, verdict: Verdict) -> Row:
        """Keep the sets of a verdict, and return the columns that name them."""
        failing = self.numbers.of(verdict.environment, verdict.fail_to_pass)
        spilled = self.numbers.of(verdict.environment, verdict.spilled)
        passing = self.numbers.of(verdict.environment, verdict.pass_to_pass)
        row: Row = {"fail_to_pass": self._keep(failing), "spilled": self._keep(spilled)}
        name, green = self._green(verdict.environment)
        excluded = test_sets.without(green, passing)
        if name and passing and test_sets.without(green, excluded) == passing:
            kept = self._keep(failing if set(excluded) == set(failing) else excluded)
            return row | {"green": name, "excluded": kept, "pass_to_pass": None}
        return row | {"green": None, "excluded": None, "pass_to_pass": self._keep(passing)}

    def of(self, row: Row) -> dict[str, tuple[str, ...]]:
        """Return the lists that a verdict's row names."""
        environment = row["environment"]
        if row["pass_to_pass"]:
            passing = self._numbers(row["pass_to_pass"])
        else:
            passing = test_sets.without(self._numbers(row["green"]), self._numbers(row["excluded"]))
        return {
            "fail_to_pass": self.numbers.names(environment, self._numbers(row["fail_to_pass"])),
            "spilled": self.numbers.names(environment, self._numbers(row["spilled"])),
            "pass_to_pass": self.numbers.names(environment, passing),
        }

    def _green(self, environment: str) -> tuple[str, list[int]]:
        query = "select green from baselines where environment = ?"
        for row in self._db.query(query, [environment]):
            return row["green"], self._numbers(row["green"])
        return "", []

    def _keep(self, numbers: Sequence[int]) -> str:
        packed = test_sets.pack(numbers)
        name = test_sets.name(packed)
        self._db.execute(
            "insert or ignore into test_sets (name, size, numbers) values (?, ?, ?)",
            [name, len(numbers), packed],
        )
        return name

    def _numbers(self, name: str) -> list[int]:
        query = "select numbers from test_sets where name = ?"
        return test_sets.unpack(next(iter(self._db.query(query, [name])))["numbers"])

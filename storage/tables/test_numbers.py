"""Numbers for an environment's tests: given once, for good, so that lists of tests are short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storage.tables import rows
from storage.tables.sqlite import Database


def note_erasure(db: Database) -> None:
    """Have everybody who remembers numbers read them anew: some are gone, and may be given again.

    SQLite keeps a number for whatever its users like (``user_version``).
    """
    db.execute(f"PRAGMA user_version = {_erasures(db) + 1}")


def _erasures(db: Database) -> int:
    return int(next(db.query("PRAGMA user_version"))["user_version"])


class TestNumbers:
    """Remembers what was read: numbers are never changed, only new ones added.

    That holds until something is erased.
    """

    __test__ = False

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, dict[str, int]] = {}
        self._names: dict[str, list[str]] = {}
        self._erasures = 0

    def of(self, environment: str, tests: Iterable[str]) -> list[int]:
        """Return the numbers of tests, new ones for those not seen before.

        To be called with the write lock held, since it may write.
        """
        tests = list(tests)
        self._hold_true()
        known = self._known.get(environment, {})
        if any(test not in known for test in tests):
            known = self._load_numbers(environment)
            self._add(environment, [test for test in dict.fromkeys(tests) if test not in known])
            known = self._load_numbers(environment)
        return [known[test] for test in tests]

    def forget(self) -> None:
        """Drop what is remembered: it was read in a transaction that was undone."""
        self._known.clear()
        self._names.clear()

    def names(self, environment: str, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the tests of numbers."""
        self._hold_true()
        names = self._names.get(environment, [])
        if numbers and max(numbers) >= len(names):
            self._load_numbers(environment)
            names = self._names[environment]
        return tuple(names[number] for number in numbers)

    def _hold_true(self) -> None:
        if (erasures := _erasures(self._db)) != self._erasures:
            self.forget()
            self._erasures = erasures

    def _add(self, environment: str, tests: Sequence[str]) -> None:
        for number, test in enumerate(tests, len(self._known[environment])):
            self._db.execute(
                "insert into tests (environment, number, test) values (?, ?, ?)",
                [environment, number, rows.text(test)],
            )

    def _load_numbers(self, environment: str) -> dict[str, int]:
        query = "select test from tests where environment = ? order by number"
        names = [rows.untext(row["test"]) for row in self._db.query(query, [environment])]
        self._names[environment] = names
        self._known[environment] = {test: number for number, test in enumerate(names)}
        return self._known[environment]

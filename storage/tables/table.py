"""What every part of the store does with the tables of the one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.tables.database import hold_write_lock, translate_errors
from storage.tables.rows import Row
from storage.tables.sqlite import Database


class Tables:
    """Reads and writes rows; what SQLite objects to comes as a StoreError that names the file."""

    def __init__(self, db: Database, path: Path) -> None:
        self.path = path
        self._db = db

    def _tree(self, tree: str) -> None:
        self._put_row("trees", {"tree": tree}, replace=False)

    def _turn(self, table: str) -> int:
        found = self._read_rows(f"select ifnull(max(turn), 0) + 1 as turn from {table}")
        return int(found[0]["turn"])

    def _put_row(self, table: str, row: Row, *, replace: bool = True) -> None:
        """Insert a row; where its key is there, update the row or leave it as it is."""
        if replace:
            self._db.table(table).upsert(row, pk=self._db.table(table).pks)
        else:
            self._db.table(table).insert(row, ignore=True)

    def _read_rows(self, query: str, *values: str | int | float | None) -> list[Row]:
        with translate_errors(self.path):
            return list(self._db.query(query, values))

    @contextmanager
    def _write_together(self) -> Iterator[None]:
        """Write all or nothing; inside another ``_writing`` of the same file, as part of it."""
        if self._db.conn.in_transaction:
            yield
            return
        with translate_errors(self.path):
            try:
                with hold_write_lock(self._db):
                    yield
            except BaseException:
                self._forget()
                raise

    def _forget(self) -> None:
        """Drop what is remembered of rows that were not written after all."""

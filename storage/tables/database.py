"""Open the store's file, and say in one line why it cannot be opened."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import StoreError
from storage.paths import APPLICATION_ID
from storage.tables.migrations import (
    LAST_UNRELEASED,
    MIGRATIONS,
    UNRELEASED,
    adopt_unreleased,
)
from storage.tables.sqlite import Database

log = logging.getLogger(__name__)


def open_database(path: Path, *, busy_timeout: float) -> Database:
    """Open or create the file and bring its tables up to date. Raises StoreError."""
    if not path.parent.is_dir():
        raise StoreError(f"the store's folder {path.parent} does not exist; create it first")
    with translate_errors(path):
        db = Database(sqlite3.connect(path, timeout=busy_timeout))
        try:
            db.execute("PRAGMA foreign_keys=on")
            _migrate(db, path)
            _enable_wal(db, busy_timeout)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a StoreError that names the file and says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_explain(path, error)) from error


@contextmanager
def hold_write_lock(db: Database) -> Iterator[None]:
    """Hold the write lock from the start, so that what is read stays true until it is written."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _migrate(db: Database, path: Path) -> None:
    _check(db, path)
    if not MIGRATIONS.pending(db):
        return
    with hold_write_lock(db):
        _check(db, path)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        is_adopted = _list_applied(db) == UNRELEASED
        if is_adopted:
            adopt_unreleased(db)
        MIGRATIONS.apply(db)
    if is_adopted:
        log.warning("%s is brought up to date; earlier versions can open it no longer", path)


def _list_applied(db: Database) -> set[str]:
    return {migration.name for migration in MIGRATIONS.applied(db)}


def _check(db: Database, path: Path) -> None:
    applied = _list_applied(db)
    if not applied and db.table_names():
        raise StoreError(
            f"{path} is a database, but not a bugfoundry store; name another file with --store"
        )
    if applied and applied < UNRELEASED:
        raise StoreError(
            f"{path} was written before the first release, by a version whose tables this one does "
            f"not know; open it once with revision {LAST_UNRELEASED} "
            f"(`bugfoundry tasks --store {path}`), then go on with this one"
        )
    with Database(memory=True) as empty:
        known = {migration.name for migration in MIGRATIONS.pending(empty)}
    if applied != UNRELEASED and applied - known:
        raise StoreError(
            f"{path} was written by a newer bugfoundry; update this one or name another file"
        )


def _enable_wal(db: Database, busy_timeout: float) -> None:
    """Switch to write-ahead logging; SQLite does not wait for others here, so this does."""
    give_up = time.monotonic() + busy_timeout
    while True:
        try:
            return db.enable_wal()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _explain(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is not a database; name another file with --store"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path} is locked by another program; wait for it to end, then try again"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"{path} cannot be written; name a file in a folder you can write with --store"
    if code == sqlite3.SQLITE_FULL:
        return f"no space is left on the disk of {path}; make room, then start again"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"{path} is damaged; restore a copy or name another file with --store"
    if code == sqlite3.SQLITE_CONSTRAINT:
        return f"{path} does not hold what this refers to ({error}); store that first"
    return f"{path}: {error}"

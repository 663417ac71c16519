"""Stores of before the first release: adopted whole, refused in one line, nothing lost."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage.errors import StoreError
from storage.paths import APPLICATION_ID
from storage.store import Store
from storage.tables.migrations import MIGRATIONS
from tests.storage.samples import ENVIRONMENT, REPOSITORY, make_bug, make_task, make_verdict

UNRELEASED_STORE = Path(__file__).with_name("unreleased.sql")
"""What revision 99c7761 wrote, by its seventeen migrations: ``sqlite3 store.db .dump``."""


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db, db:
        yield db


@pytest.fixture
def unreleased(tmp_path: Path) -> Path:
    path = tmp_path / "unreleased.db"
    with connect(path) as db:
        db.executescript(UNRELEASED_STORE.read_text())
        db.execute(f"pragma application_id={APPLICATION_ID}")
    return path


@pytest.fixture
def too_old(unreleased: Path) -> Path:
    """A store as it was before the last unreleased migration."""
    with connect(unreleased) as db:
        db.execute("alter table verdicts drop column kinds")
        db.execute("alter table repositories drop column root")
        db.execute("delete from _sqlite_migrations where name = 'm016_gates'")
    return unreleased


def read_schema(path: Path) -> dict[str, object]:
    """Return all that SQLite knows of the tables, indexes and triggers of a file."""
    found: dict[str, object] = {}
    with connect(path) as db:
        for kind, name, sql in db.execute("select type, name, sql from sqlite_master").fetchall():
            found[f"{kind} {name}"] = " ".join((sql or "").split())
            if kind == "table":
                found[f"{kind} {name}"] = [
                    *db.execute(f"pragma table_xinfo([{name}])"),
                    *sorted(db.execute(f"pragma foreign_key_list([{name}])")),
                    *(
                        (*index[1:], *db.execute(f"pragma index_xinfo([{index[1]}])"))
                        for index in sorted(db.execute(f"pragma index_list([{name}])"))
                    ),
                ]
    return found


def test_new_store_has_the_schema_of_the_unreleased_migrations(
    tmp_path: Path, unreleased: Path
) -> None:
    Store(tmp_path / "new.db").close()

    assert read_schema(tmp_path / "new.db") == read_schema(unreleased)


def test_complete_unreleased_store_is_adopted(
    unreleased: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = read_schema(unreleased)

    with caplog.at_level(logging.WARNING), Store(unreleased) as store:
        assert store.repositories() == [REPOSITORY]
        assert store.environment(ENVIRONMENT.id) == ENVIRONMENT
        assert store.bugs(REPOSITORY.tree) == [make_bug(0), make_bug(1)]
        assert store.verdicts() == [make_verdict(make_bug(1))]
        assert store.tasks() == [make_task(make_bug(1))]
        store.add_verdict(make_verdict(make_bug(0)))

    [line] = caplog.messages
    assert str(unreleased) in line
    assert read_schema(unreleased) == before
    with Database(unreleased) as db:
        assert not MIGRATIONS.pending(db)
        assert [row.name for row in MIGRATIONS.applied(db)] == ["m001_schema"]


def test_adopted_store_opens_in_silence_from_then_on(
    unreleased: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Store(unreleased).close()
    caplog.clear()

    Store(unreleased).close()

    assert not caplog.messages


def test_store_too_old_to_adopt_is_refused_unchanged(too_old: Path) -> None:
    before = hashlib.sha256(too_old.read_bytes()).hexdigest()

    with pytest.raises(StoreError) as error:
        Store(too_old)

    assert "\n" not in str(error.value)
    assert "open it once with revision 99c7761" in str(error.value)
    assert hashlib.sha256(too_old.read_bytes()).hexdigest() == before


def test_command_refuses_a_store_too_old_in_one_line(too_old: Path) -> None:
    command = [sys.executable, "-m", "bot", "tasks", "--store", str(too_old)]
    done = subprocess.run(command, capture_output=True, text=True)

    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(f"bugfoundry: {too_old} was written before the first release")

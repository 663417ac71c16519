from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage.errors import StoreError
from storage.paths import is_store
from storage.store import Store
from tests.storage.samples import REPOSITORY, make_bug

WRITER = """
import sys
from dataclasses import replace
from storage.store import Store
from tests.storage.samples import make_bug
with Store(sys.argv[1]) as store:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        store.add_bug(make_bug(number))
        print(number, flush=True)
"""


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database at all. " * 100)

    with pytest.raises(StoreError) as error:
        Store(path)

    assert "is not a database" in one_line(error)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with Database(path) as other:
        other.table("photos").insert({"id": 1})

    with pytest.raises(StoreError) as error:
        Store(path)

    assert "not a bugfoundry store" in one_line(error)
    with Database(path) as other:
        assert other.table_names() == ["photos"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        Store(tmp_path / "nowhere" / "store.db")

    assert "nowhere does not exist" in one_line(error)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder nobody can write")
def test_a_place_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(StoreError) as error:
        Store("/proc/store.db")

    assert "cannot be written" in one_line(error)


def test_a_locked_store_is_refused_after_waiting(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("begin immediate")

    with Store(path, busy_timeout=0.1) as store, pytest.raises(StoreError) as error:
        store.add_repository(REPOSITORY)

    assert "is locked" in one_line(error)
    other.close()


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(path).close()
    with Database(path) as db:
        db.table("_sqlite_migrations").insert(
            {"migration_set": "bugfoundry", "name": "m999_later", "applied_at": "2099"}
        )

    with pytest.raises(StoreError) as error:
        Store(path)

    assert "newer bugfoundry" in one_line(error)


def test_a_store_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    Store(tmp_path / "ours.db").close()
    with Database(tmp_path / "other.db") as other:
        other.table("photos").insert({"id": 1})

    assert is_store(tmp_path / "ours.db")
    assert not is_store(tmp_path / "other.db")


def start_writer(path: Path, first: int, end: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(first), str(end)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writers = [start_writer(path, 0, 60), start_writer(path, 30, 90)]
    for writer in writers:
        writer.communicate(timeout=300)

    assert [writer.returncode for writer in writers] == [0, 0]
    with Store(path) as store:
        found = {bug.id for bug in store.bugs(make_bug().tree)}
    assert found == {make_bug(number).id for number in range(90)}


def test_what_was_returned_from_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writer = start_writer(path, 0, 100_000)
    assert writer.stdout is not None
    seen = [int(writer.stdout.readline()) for _ in range(20)]
    time.sleep(0.05)
    os.kill(writer.pid, signal.SIGKILL)
    seen += [int(line) for line in writer.communicate(timeout=300)[0].split()]

    with Store(path) as store:
        found = {bug.id for bug in store.bugs(make_bug().tree)}
        store.add_bug(make_bug(200_000))
    assert {make_bug(number).id for number in seen} <= found

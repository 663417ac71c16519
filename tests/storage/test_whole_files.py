"""What many write at once is whole for everybody, and is made once, however a writer ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from storage.locks import drop_hold, hold_lock, is_held, take_hold, take_lock
from storage.scratch import PREFIX, make_scratch_folder, scratch_folder, sweep_scratch
from storage.whole_files import make_once, name_lock, replace_whole, run_once, write_whole_file

WORKERS, ROUNDS = 10, 100
FILES = 5


def note(place: Path) -> None:
    """Write down that something is made, in one step."""
    with place.with_suffix(".calls").open("ab") as file:
        file.write(b"x")


def install(place: Path, part: Path) -> None:
    """Stand in for an installer: some files, not all at once."""
    note(place)
    for number in range(FILES):
        (part / str(number)).write_text("whole")


def install_in_place(root: Path) -> None:
    """Stand in for an installer of what cannot be moved: it says at the end that it is done."""
    note(root)
    root.mkdir()
    for number in range(FILES):
        (root / str(number)).write_text("whole")
    write_whole_file(root / "ready", b"")


def work(folder: Path, barrier: Barrier) -> None:
    """Ask for the same places as nine others, each of them at the same moment."""
    for number in range(ROUNDS):
        moved, fixed, file = (folder / f"{kind}{number}" for kind in ("moved", "fixed", "file"))
        barrier.wait()
        make_once(moved, lambda part, place=moved: install(place, part), folder=True)
        run_once(
            name_lock(fixed),
            (fixed / "ready").exists,
            lambda place=fixed: install_in_place(place),  # type: ignore[misc]
        )
        make_once(file, lambda part: part.write_bytes(b"whole" * 1000))
        write_whole_file(folder / "shared", b"%d" % number * 10_000)
        for place in (moved, fixed):
            assert [(place / str(each)).read_text() for each in range(FILES)] == ["whole"] * FILES
        assert file.read_bytes() == b"whole" * 1000
        assert len(set((folder / "shared").read_bytes().decode())) <= 2


def test_make_once_makes_once_for_ten_processes_a_hundred_times(tmp_path: Path) -> None:
    context = get_context("spawn")
    barrier = context.Barrier(WORKERS)
    workers = [context.Process(target=work, args=(tmp_path, barrier)) for _ in range(WORKERS)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert [each.exitcode for each in workers] == [0] * WORKERS
    calls = Counter(len(place.read_bytes()) for place in tmp_path.glob("*.calls"))
    assert calls == {1: 2 * ROUNDS}
    assert list(tmp_path.glob(".*")) == []


def test_make_once_makes_once_for_threads(tmp_path: Path) -> None:
    place, barrier = tmp_path / "place", threading.Barrier(WORKERS)

    def ask(_: int) -> Path:
        barrier.wait()
        return make_once(place, lambda part: install(place, part), folder=True)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert set(pool.map(ask, range(WORKERS))) == {place}
    assert place.with_suffix(".calls").read_bytes() == b"x"


KILLED = """
import os, sys, time
from pathlib import Path
from storage.whole_files import make_once
from storage.scratch import make_scratch_folder
def make(part):
    (part / "half").touch()
    print(make_scratch_folder()[0], flush=True)
    time.sleep(1000)
make_once(Path(sys.argv[1]), make, folder=True)
"""


def kill_in_the_middle(place: Path, scratch: Path) -> Path:
    """Have a process killed while it makes a place; return its scratch folder."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, place],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    ) as process:
        assert process.stdout is not None
        left = process.stdout.readline().strip()
        assert left, "it ended before"
        assert is_held(Path(left)) and is_held(name_lock(place))
        process.send_signal(signal.SIGKILL)
    return Path(left)


def test_make_once_goes_on_after_a_kill(tmp_path: Path) -> None:
    place, scratch = tmp_path / "place", tmp_path / "scratch"
    scratch.mkdir()
    left = kill_in_the_middle(place, scratch)
    assert left.is_dir() and not place.exists() and list(tmp_path.glob(".place.*.part"))

    make_once(place, lambda part: (part / "whole").touch(), folder=True)
    sweep_scratch(scratch)

    assert [each.name for each in place.iterdir()] == ["whole"]
    assert list(tmp_path.glob(".*")) == [] and not left.exists()


def test_make_once_leaves_nothing_of_a_failure(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "half").touch()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make_once(tmp_path / "place", fail, folder=True)

    assert [each.name for each in tmp_path.iterdir()] == ["place.lock"]
    assert make_once(tmp_path / "place", lambda part: None, folder=True).is_dir()


def test_make_once_replaces_what_is_not_whole(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "half").touch()

    def is_made(there: Path) -> bool:
        return (there / "whole").exists()

    make_once(place, lambda part: (part / "whole").touch(), folder=True, is_made=is_made)

    assert [each.name for each in place.iterdir()] == ["whole"]


def test_replace_whole_leaves_parts_of_living_writers(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with replace_whole(place) as first, replace_whole(place) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")

    assert place.read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["place"]


def test_replace_whole_writes_names_of_any_length(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 255)

    write_whole_file(place, b"1")

    assert place.read_bytes() == b"1"


def test_hold_lock_asks_those_who_wait_whether_to_go_on(tmp_path: Path) -> None:
    def give_up() -> None:
        raise ValueError("wanted no longer")

    def wait() -> None:
        with hold_lock(tmp_path / "lock", on_wait=give_up):
            raise AssertionError("it was held twice")

    with (
        hold_lock(tmp_path / "lock"),
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ValueError, match="wanted no longer"),
    ):
        pool.submit(wait).result()


def test_hold_lock_of_what_the_thread_holds_is_refused(tmp_path: Path) -> None:
    with (
        hold_lock(tmp_path / "lock"),
        pytest.raises(RuntimeError, match="held by this thread already"),
        hold_lock(tmp_path / "lock"),
    ):
        raise AssertionError("it was held twice")


def test_hold_lock_is_of_the_file_that_has_the_name(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    hold = take_lock(lock, lambda: None)
    lock.unlink()
    with hold_lock(lock):
        assert is_held(lock)
    drop_hold(hold)
    assert not is_held(lock)


def test_take_hold_of_what_is_gone_or_closed_is_none(tmp_path: Path) -> None:
    assert take_hold(tmp_path / "nothing") is None
    (tmp_path / "link").symlink_to(tmp_path)
    assert take_hold(tmp_path / "link") is None


def test_nobody_names_temporary_places_by_himself() -> None:
    """What is not made through this module collides, or stays behind a process that is killed."""
    top = Path(__file__).parents[2]
    rooms = ("bot", "forge", "harness", "llm", "mirror", "mutators", "storage", "syntax", "tasks")
    by_hand = re.compile(
        r"TemporaryDirectory\(|mkdtemp\(|mkstemp\(|NamedTemporaryFile\(|\.part\b['\"]"
    )
    found = [
        f"{path.relative_to(top)}: use storage.scratch or storage.whole_files"
        for room in rooms
        for path in sorted((top / room).rglob("*.py"))
        # The runner has no dependencies; its folders lie in a sandbox, and go with it.
        if not path.is_relative_to(top / "harness" / "runner")
        and path.name not in ("scratch.py", "whole_files.py")
        and by_hand.search(path.read_text())
    ]
    assert found == []


def test_scratch_folder_is_unique_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}left").mkdir()
    kept, _ = make_scratch_folder()
    with scratch_folder() as folder:
        (folder / "file").touch()
        sweep_scratch(tmp_path)
        assert folder.is_dir() and kept.is_dir()

    assert [each.name for each in tmp_path.iterdir()] == [kept.name]

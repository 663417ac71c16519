"""Killed at any moment and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.records import Task, Verdict
from storage.store import Store
from tests.furniture.workplace import PATIENCE, Workplace, command_variables

BUGS = 12


def start(place: Workplace, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bot", "forge", str(place.project), "--sandbox", "local"]
    command += ["--max-bugs", str(BUGS), "--store", str(store), "--workers", "2"]
    return subprocess.Popen(command, env=command_variables(place.cache))


def outcome(path: Path) -> tuple[list[tuple[object, ...]], list[str]]:
    """What a store says in the end, times and dates aside."""
    with Store(path) as store:
        tasks: list[Task] = list(store.tasks())
        verdicts: list[Verdict] = list(store.verdicts())
    rows = [(v.bug, v.reason, v.fail_to_pass, v.pass_to_pass, v.spilled) for v in verdicts]
    return sorted(rows, key=str), sorted(task.id for task in tasks)


def judged(path: Path) -> int:
    """Count the verdicts of a run that is under way."""
    if not path.exists():
        return -1
    with Store(path) as store:
        return len(store.verdicts())


def kill_when(process: subprocess.Popen[bytes], wait: float, store: Path, least: int) -> bool:
    """Kill a run a little after it has so many verdicts; say whether it was running still."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and judged(store) < least:
        assert time.monotonic() < end, "it neither goes on nor ends"
        time.sleep(0.02)
    try:
        process.wait(timeout=wait)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("kills", [3, pytest.param(8, marks=pytest.mark.long)])
def test_a_run_killed_at_random_points_ends_as_an_uninterrupted_one(
    tmp_path: Path, kills: int
) -> None:
    """Each run gets further than the one before, however fast the machine is."""
    place = Workplace(tmp_path)
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    assert start(place, whole).wait(timeout=PATIENCE) == 0
    chance = random.Random(20)

    ended = []
    for number in range(kills):
        # Never beyond half of them: a run that is far from its end is there to be killed.
        least = number * BUGS // (2 * kills) - 1
        ended.append(kill_when(start(place, killed), chance.uniform(0, 0.5), killed, least))
    assert start(place, killed).wait(timeout=PATIENCE) == 0

    assert sum(ended) >= 2
    assert len(outcome(whole)[0]) == BUGS
    assert outcome(killed) == outcome(whole)

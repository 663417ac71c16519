"""Killed at any moment and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.records import Task, Verdict
from storage.store import Store
from tests.furniture.project import write_project

BUGS = 12


def start(project: Path, store: Path, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bot", "forge", str(project), "--sandbox", "local"]
    command += ["--max-bugs", str(BUGS), "--store", str(store), "--workers", "2"]
    return subprocess.Popen(command, env={**os.environ, "BUGFOUNDRY_CACHE": str(cache)})


def outcome(path: Path) -> tuple[list[tuple[object, ...]], list[str]]:
    """What a store says in the end, times and dates aside."""
    with Store(path) as store:
        tasks: list[Task] = list(store.tasks())
        verdicts: list[Verdict] = list(store.verdicts())
    rows = [(v.bug, v.reason, v.fail_to_pass, v.pass_to_pass, v.spilled) for v in verdicts]
    return sorted(rows, key=str), sorted(task.id for task in tasks)


@pytest.mark.slow
@pytest.mark.network
def test_a_run_killed_at_random_points_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop")
    cache = tmp_path / "cache"
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    began = time.monotonic()
    assert start(project, whole, cache).wait(timeout=600) == 0
    span = time.monotonic() - began
    chance = random.Random(20)

    kills = 0
    while kills < 8:
        process = start(project, killed, cache)
        try:
            process.wait(timeout=chance.uniform(0.2, span / 2))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert start(project, killed, cache).wait(timeout=600) == 0

    assert kills >= 2
    assert len(outcome(whole)[0]) == BUGS
    assert outcome(killed) == outcome(whole)

"""Runs under other conditions than judging: what the tests themselves see of them."""

from __future__ import annotations

import datetime
import os
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from harness.runner.environment import find_faketime
from harness.runs.conditions import AS_JUDGED, CLOCK_DAYS, Conditions, of_round
from harness.runs.load import load
from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.sandbox import Channel
from tests.harness.plain import start_plain

FILES = {
    f"test_{name}.py": b"import os, time\n"
    + b"".join(
        b"def test_%d(): raise ValueError(os.environ['PYTHONHASHSEED'], int(time.time()))\n" % n
        for n in range(8)
    )
    for name in ("a", "b", "c")
}


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    (tmp_path / "tree").mkdir()
    opened = await start_plain(tmp_path / "tree", tmp_path / "tmp")
    await opened.receive(timeout=120)
    yield opened
    await opened.close()


async def run(channel: Channel, conditions: Conditions = AS_JUDGED) -> SuiteRun:
    return await run_suite(
        channel,
        args=[],
        files=FILES,
        test_timeout=60.0,
        total_timeout=300.0,
        conditions=conditions,
    )


def seen(result: SuiteRun) -> tuple[int, int]:
    """The hash seed and the clock, as a test saw them."""
    detail = next(iter(result.results.values())).detail
    seed, clock = detail.partition("ValueError: (")[2].rstrip(")").split(", ")
    return int(seed.strip("'")), int(clock)


async def test_a_random_order_is_the_seeds_and_keeps_files_together(channel: Channel) -> None:
    usual = await run(channel)
    one = await run(channel, Conditions(order_seed=1))
    again = await run(channel, Conditions(order_seed=1))
    other = await run(channel, Conditions(order_seed=2))
    orders = [list(each.results) for each in (usual, one, other)]

    assert list(again.results) == orders[1]
    assert orders[0] != orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    for order in orders:
        files = [test.partition("::")[0] for test in order]
        assert len([1 for a, b in pairwise(files) if a != b]) == 2


async def test_another_hash_seed_reaches_the_tests(channel: Channel) -> None:
    assert seen(await run(channel))[0] == 0
    assert seen(await run(channel, Conditions(hash_seed=7)))[0] == 7


async def test_another_clock_is_shifted_or_said_not_to_be_had(channel: Channel) -> None:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    found = await run(channel, Conditions(clock_days=CLOCK_DAYS))
    days = (seen(found)[1] - now) / 86400

    there = bool(find_faketime())
    assert found.clock == there
    assert abs(days - (CLOCK_DAYS if there else 0)) < 1
    assert not (await run(channel)).clock


CLOCKS = b"""
import datetime, pickle, subprocess, sys, threading, time
def test_clock():
    assert pickle.loads(pickle.dumps(time.sleep)) is time.sleep
    began = time.monotonic()
    time.sleep(0.1)
    threading.Event().wait(0.1)
    took = time.monotonic() - began
    assert 0.15 < took < 50
    child = [sys.executable, "-c", "import time; time.sleep(0.01); print(int(time.time()))"]
    true = int(subprocess.run(child, capture_output=True, check=True).stdout)
    raise ValueError(round((datetime.datetime.now().timestamp() - true) / 86400))
"""


async def test_another_clock_runs_as_clocks_do(channel: Channel) -> None:
    if not find_faketime() and os.environ.get("CI") != "true":
        pytest.skip("libfaketime is not installed")
    found = await run_suite(
        channel,
        args=[],
        files={"test_it.py": CLOCKS},
        test_timeout=60.0,
        total_timeout=300.0,
        conditions=Conditions(clock_days=CLOCK_DAYS),
    )
    assert next(iter(found.results.values())).detail == f"ValueError: {CLOCK_DAYS}"


def test_five_rounds_try_each_condition_alone_and_all_together() -> None:
    rounds = [of_round(number) for number in range(1, 6)]

    assert rounds[0] == AS_JUDGED
    assert [each.order_seed is not None for each in rounds] == [False, True, False, False, True]
    assert [bool(each.hash_seed) for each in rounds] == [False, True, False, False, True]
    assert [each.load for each in rounds] == [False, False, True, False, True]
    assert [bool(each.clock_days) for each in rounds] == [False, False, False, True, True]
    assert of_round(7).order_seed != of_round(2).order_seed
    assert str(rounds[0]) == "as judged" and "load" in str(rounds[2])


async def test_load_ends_with_its_block() -> None:
    before = busy()
    async with load(2):
        assert len(busy() - before) == 2
    assert busy() <= before


def busy() -> set[str]:
    """Our own processes that do nothing but keep a processor busy; other tests may have some."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = place.read_bytes()
            parent = place.with_name("stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"while os.getppid() == parent" in text and parent == str(os.getpid()):
            found.add(place.parent.name)
    return found

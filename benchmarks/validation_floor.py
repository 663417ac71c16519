"""The least that screening a bug can cost: one fork that reports, and the tests themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from benchmarks.validation_bench import Bench
from benchmarks.validation_counters import Usage

RUNS = 3
TIMES = 200
SCRIPT = f"""
import json, os, resource, time
import pytest

def cpu():
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)

started, used = time.monotonic(), cpu()
for _ in range({TIMES}):
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.write(into, b"a report of one failed test" * 10)
        os._exit(0)
    os.close(into)
    while os.read(out, 4096):
        pass
    os.close(out)
    os.waitpid(child, 0)
print(json.dumps([(time.monotonic() - started) / {TIMES}, (cpu() - used) / {TIMES}]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Seconds of one fork of a process that has pytest loaded, which reports and ends."""

    wall: float
    cpu: float

    def usage(self, tests: float) -> Usage:
        """The floor of a bug whose covering tests take so many seconds; they count as CPU too."""
        return Usage(wall=self.wall + tests, sandbox=self.cpu + tests)


def measure_floor() -> Floor:
    """Fork and report many times in a process of this machine's Python."""
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    wall, cpu = json.loads(told.stdout)
    return Floor(wall=wall, cpu=cpu)


async def least_durations(bench: Bench) -> dict[str, float]:
    """Seconds of each test on the unbroken code: the least of the baseline and of some runs now.

    Durations are by the wall clock; on a busy machine only the least of several comes near to what
    a test needs.
    """
    found = {test.id: test.seconds for test in bench.baseline.tests}
    place = bench.worker()
    try:
        for _ in range(RUNS):
            run = await bench.run(await place.channel(), {})
            for test, result in run.results.items():
                if result.outcome == "passed":
                    found[test] = min(found.get(test, result.seconds), result.seconds)
    finally:
        await place.discard()
    return found


def duration(bench: Bench, least: Mapping[str, float], tests: Collection[str] | None) -> float:
    """Seconds that tests take together; None stands for all that serve."""
    return sum(least[test] for test in (bench.baseline.green if tests is None else tests))

"""What all ways of screening share: the bug, the run of tests, what came of it, and the floor.

The floor is the least that screening a bug can cost: one fork that reports, and the tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.validation.usage import Usage
from forge.run.preparation import Ready
from forge.run.settings import Settings
from harness.environments.baseline import (
    HANG_LIMIT,
    collect_timeout,
    list_runnable_tests,
    test_timeout,
    total_timeout,
)
from harness.judge.worker import SandboxWorker
from harness.runs.selection import files_of
from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.sandbox import Backend, Channel, SandboxLimits
from storage.errors import SandboxError
from storage.records import RED, Baseline, Bug, Environment

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

End = Literal["", "breaks-everything", "timeout", "failed"]
"""How a screening ended: of one that ended early the red tests say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bug, with what all ways are told of it."""

    bug: Bug
    files: Mapping[str, bytes | None]
    tests: frozenset[str] | None
    """The tests that can notice it; None for every test."""
    selected_in: Usage = field(default_factory=Usage)
    """What choosing them cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one way said of one bug, and what that cost."""

    way: str
    bug: str
    screening: Usage
    confirmation: Usage = field(default_factory=Usage)
    red: tuple[str, ...] = ()
    """Tests of the baseline that were red in screening."""
    end: End = ""
    hung: bool = False
    """A test, or the whole run, used up its time."""
    ran: int = 0
    """Tests with an outcome in screening."""
    starts: int = 0
    """Sandboxes that were started for it."""
    reason: str = ""
    """The verdict, where the way gives one."""
    note: str = ""

    @property
    def found(self) -> frozenset[str] | str:
        """What is compared between ways."""
        return self.end or frozenset(self.red)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every way works with."""

    backend: Backend
    environment: Environment
    baseline: Baseline
    limits: SandboxLimits

    def worker(self) -> SandboxWorker:
        """A sandbox with its runner, started when it is first asked for."""
        return SandboxWorker(self.backend, self.environment, self.limits)

    async def run(
        self,
        channel: Channel,
        files: Mapping[str, bytes | None],
        tests: Collection[str] | None = None,
    ) -> SuiteRun:
        """Run the whole suite, or only some tests, in a fresh process. Raises SandboxError."""
        run = await run_suite(
            channel,
            args=self.environment.plan.pytest_args,
            tests=list_runnable_tests(self.baseline) if tests is None else tests,
            files=files,
            path="fresh",
            only_files=None if tests is None else files_of(tests),
            test_timeout=test_timeout(self.baseline),
            collect_timeout=collect_timeout(self.baseline),
            total_timeout=total_timeout(self.baseline),
            hang_limit=HANG_LIMIT,
        )
        if run.error:
            raise SandboxError(run.error)
        return run

    def row(
        self, way: str, case: Case, usage: Usage, run: SuiteRun, asked: Collection[str] | None
    ) -> Row:
        """What a run says of the baseline's tests that it was asked for."""
        green = self.baseline.green
        red = tuple(
            test for test in green if (asked is None or test in asked) and run.outcome(test) in RED
        )
        return Row(
            way=way,
            bug=case.bug.id,
            screening=usage,
            red=red,
            end=end_of(run, len(red), len(green)),
            hung=hung(run),
            ran=len(run.results),
        )


def end_of(run: SuiteRun, red: int, green: int) -> End:
    """Say how a screening ended, by the rules that judge."""
    if run.stopped or red * 2 > green or (run.collected is None and not run.exhausted):
        return "breaks-everything"
    return "timeout" if run.exhausted else ""


def hung(run: SuiteRun) -> bool:
    return run.exhausted or any(result.outcome == "timeout" for result in run.results.values())


def make_bench(settings: Settings, ready: Ready, backend: Backend) -> Bench:
    return Bench(
        backend=backend,
        environment=ready.prepared.environment,
        baseline=ready.prepared.baseline,
        limits=settings.limits,
    )


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

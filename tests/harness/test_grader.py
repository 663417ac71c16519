"""Grading by the tests that matter comes to what grading by all of them does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.judge.grader import Grader, GradingRequest
from harness.judge.local_engine import LocalEngine
from harness.judge.worker import SandboxWorker, Terms
from harness.runs.selection import Coverage, ExecutionTrace
from harness.sandboxes.sandbox import SandboxLimits
from storage.errors import SandboxError
from storage.records import Baseline, BaselineTest
from tests.harness.plain import PlainBackend, make_environment

CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
DYING = CODE.replace("return 1", "__import__('os')._exit(3)").encode()
BROKEN = CODE.replace("return 1", "return 0").encode()
TESTS = "from code_of import one, two\ndef test_one(): assert one() == 1\n" + "".join(
    f"def test_two_{n}(): assert two() == 2\n" for n in range(5)
)
ONE = "test_it.py::test_one"
TWOS = tuple(f"test_it.py::test_two_{n}" for n in range(5))


@pytest.fixture
def backend(tmp_path: Path) -> PlainBackend:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/code_of.py").write_text(CODE)
    (tmp_path / "project/test_it.py").write_text(TESTS)
    return PlainBackend(tmp_path / "project", tmp_path / "places")


def grader(backend: PlainBackend, coverage: Coverage | None = None) -> Grader:
    tests = tuple(BaselineTest(id=t, outcome="passed", seconds=0.01) for t in (ONE, *TWOS))
    baseline = Baseline(environment="e", tests=tests, seconds=0.1, runs=2)
    return Grader(
        backend=backend,
        terms=Terms(environment=make_environment(), baseline=baseline, read=lambda path: None),
        read={"code_of.py": CODE.encode(), "test_it.py": TESTS.encode()}.get,
        limits=SandboxLimits(),
        coverage=coverage,
    )


def covered() -> Coverage:
    """What each test runs: its own function."""
    seen = {ONE: ExecutionTrace(code={"code_of.py": 1 << 1}, lines={"code_of.py": 1 << 2})}
    seen |= {
        t: ExecutionTrace(code={"code_of.py": 1 << 5}, lines={"code_of.py": 1 << 6}) for t in TWOS
    }
    return Coverage(
        imported=ExecutionTrace(opened=frozenset({"code_of.py", "test_it.py"})), tests=seen
    )


@asynccontextmanager
async def sandbox_of(found: Grader) -> AsyncIterator[SandboxWorker]:
    """A sandbox of a grader, thrown away in the end."""
    worker = found.worker()
    try:
        yield worker
    finally:
        await worker.discard()


def question(content: bytes) -> GradingRequest:
    return GradingRequest(files={"code_of.py": content}, fail_to_pass=(ONE,), pass_to_pass=TWOS)


PATCHES = {
    "nothing": (BROKEN, False),
    "gold": (CODE.encode(), True),
    "another way": (CODE.replace("return 1", "return 2 - 1").encode(), True),
    "breaks another": (CODE.replace("return 2", "return 3").encode(), False),
    "does not compile": (b"def one(:\n", False),
}


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("known", [False, True], ids=["no coverage", "coverage"])
async def test_the_ways_of_grading_agree(backend: PlainBackend, name: str, known: bool) -> None:
    content, resolved = PATCHES[name]
    found = grader(backend, covered() if known else None)
    async with sandbox_of(found) as worker:
        some = await found.grade(worker, question(content))
        every = await found.grade_by_all(worker, question(content))

    assert some.resolved == every.resolved == resolved
    unrun = set(some.pass_to_pass_unrun)
    assert some.pass_to_pass_red == tuple(t for t in every.pass_to_pass_red if t not in unrun)
    assert some.fail_to_pass_green == every.fail_to_pass_green
    assert not unrun or some.fail_to_pass_red or some.pass_to_pass_red


@pytest.mark.parametrize("content", [b"def one(:\n", DYING])
async def test_what_is_gone_or_dies_alone_too_decides_without_the_rest(
    backend: PlainBackend, content: bytes
) -> None:
    found = grader(backend)
    async with sandbox_of(found) as worker:
        grade = await found.grade(worker, question(content))

    assert grade.fail_to_pass_red == (ONE,)
    assert grade.pass_to_pass_unrun == TWOS


async def test_the_first_that_is_broken_decides(backend: PlainBackend) -> None:
    """What was reported until the run is stopped counts too."""
    slow = CODE.replace("return 2", "return [3, __import__('time').sleep(0.5)][0]").encode()
    found = grader(backend)
    async with sandbox_of(found) as worker:
        grade = await found.grade(worker, question(slow))

    assert not grade.resolved
    red, unrun = grade.pass_to_pass_red, grade.pass_to_pass_unrun
    assert red and unrun and red + unrun == TWOS


async def test_what_is_broken_in_company_alone_does_not_decide(backend: PlainBackend) -> None:
    spilling = "CALLS = []\n" + CODE.replace("return 2", "return CALLS.append(0) or 1 + len(CALLS)")
    spilling = spilling.replace("1 + len(CALLS)", "2 + (len(CALLS) == 2)")
    found = grader(backend)
    async with sandbox_of(found) as worker:
        some = await found.grade(worker, question(spilling.encode()))
        every = await found.grade_by_all(worker, question(spilling.encode()))

    assert some.resolved and not some.pass_to_pass_unrun
    assert every.pass_to_pass_red == TWOS[1:2]


async def test_what_the_baseline_proved_is_not_run_where_nothing_differs(
    backend: PlainBackend, tmp_path: Path
) -> None:
    (tmp_path / "project/test_it.py").write_text(TESTS.replace("two() == 2", "two() == 3"))
    found = grader(backend)
    async with sandbox_of(found) as worker:
        same = await found.grade(worker, question(CODE.encode()))
        other = await found.grade(worker, question(PATCHES["another way"][0]))

    assert same.resolved
    assert not other.resolved


async def test_a_fix_that_is_slow_is_one(backend: PlainBackend) -> None:
    """The first try is cut off by a short limit that a busy machine may not keep."""
    slow = CODE.replace("return 1", "return [1, __import__('time').sleep(1.5)][0]").encode()
    found = grader(backend)
    async with sandbox_of(found) as worker:
        grade = await found.grade(worker, question(slow))

    assert grade.resolved


async def test_one_sandbox_serves_one_grade_after_another(backend: PlainBackend) -> None:
    found = grader(backend)
    async with sandbox_of(found) as worker:
        grades = [await found.grade(worker, question(c)) for c in (BROKEN, CODE.encode(), BROKEN)]

    assert [each.resolved for each in grades] == [False, True, False]
    assert backend.started == 1


async def test_a_collection_that_is_slow_gets_more_time(
    backend: PlainBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.environments.baseline.LEAST_TEST_TIMEOUT", 1.0)
    found = grader(backend)
    worker = found.worker()
    slow = b"import time\ntime.sleep(2)\n" + CODE.encode()
    try:
        some = await found.grade(worker, question(slow))
        every = await found.grade_by_all(worker, question(slow))
    finally:
        await worker.discard()
    engine = LocalEngine(
        backend,
        found.terms.environment,
        found.terms.baseline,
        workers=1,
        read=found.read,
        limits=SandboxLimits(),
    )
    whole = await engine.run_files({"code_of.py": slow})

    assert some.resolved and every.resolved
    assert whole.outcome(ONE) == "passed"


async def test_sandboxes_that_cannot_be_had_are_told(backend: PlainBackend) -> None:
    backend.broken = True
    found = grader(backend)
    with pytest.raises(SandboxError, match="no sandbox can be had"):
        await found.grade(found.worker(), question(BROKEN))

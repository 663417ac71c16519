"""The engine on this machine: by the tests that can notice, by all, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from harness.environments.baseline import measure
from harness.judge import local_engine
from harness.judge.local_engine import LocalEngine
from harness.runs.selection import Coverage, ExecutionTrace
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.sandbox import Channel, Frame, Sandbox, start
from storage.records import Baseline, Bug, Environment, Verdict
from tests.furniture.project import SOURCE, write_project
from tests.harness.attacked import WHERE, bug
from tests.harness.failing import FIRST
from tests.harness.plain import PlainBackend, make_environment

DISCOUNT = SOURCE.replace("rate = 10", "rate = 11").encode()
UNTESTED = SOURCE.replace("raise KeyError(name.strip())", "raise KeyError(name)").encode()
CLAMP = SOURCE.replace("return high", "return low").encode()
LATER = SOURCE.replace("items: list = field", "items: list = 3 and field").encode()
Measured = tuple[PlainBackend, Environment, Baseline, Coverage]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("engine")
    backend = PlainBackend(write_project(folder / "shop"), folder / "places")
    environment = make_environment(FIRST)

    async def work() -> tuple[Baseline, Coverage | None]:
        sandbox = await backend.start(environment, limits=SandboxLimits())
        try:
            return await measure(sandbox, environment)
        finally:
            await sandbox.close()

    baseline, coverage = asyncio.run(work())
    assert coverage is not None
    return backend, environment, baseline, coverage


def engine(
    measured: Measured,
    coverage: Coverage | None,
    *,
    judged: int = 0,
    disagreed: Callable[[str], None] = lambda text: None,
) -> LocalEngine:
    backend, environment, baseline, _ = measured
    return LocalEngine(
        backend,
        environment,
        baseline,
        workers=1,
        read=lambda path: SOURCE.encode() if path == WHERE else None,
        limits=SandboxLimits(),
        coverage=coverage,
        judged=judged,
        on_disagreement=disagreed,
    )


async def judged(judge: LocalEngine, *bugs: Bug) -> list[Verdict]:
    async def given() -> AsyncIterator[Bug]:
        for each in bugs:
            yield each

    async with aclosing(judge.judge(given())) as verdicts:
        return [verdict async for verdict in verdicts]


async def test_each_test_is_seen_to_enter_what_it_calls(measured: Measured) -> None:
    coverage = measured[3]
    clamp, discount = 6, 15

    def enters(test: str, line: int) -> bool:
        return bool(coverage.tests[f"tests/test_shop.py::{test}"].code.get(WHERE, 0) >> line & 1)

    assert enters("test_clamp[3-3]", clamp)
    assert not enters("test_clamp[3-3]", discount)
    assert enters("test_discount[10-10]", discount)
    assert WHERE in coverage.importers["tests/test_shop.py"]
    assert not any(seen.opaque for seen in coverage.tests.values())


@pytest.mark.parametrize("source", [DISCOUNT, UNTESTED, CLAMP, LATER])
async def test_a_verdict_is_the_same_by_some_tests_and_by_all(
    measured: Measured, source: bytes
) -> None:
    (by_all,) = await judged(engine(measured, None), bug(source))
    (by_some,) = await judged(engine(measured, measured[3], judged=1000), bug(source))
    assert (by_all.mode, by_some.mode) == ("full", "selected")
    assert replace(by_some, mode="full", seconds=0) == replace(by_all, seconds=0)


async def test_where_selection_goes_wrong_every_test_is_run_from_then_on(
    measured: Measured,
) -> None:
    told: list[str] = []
    blind = replace(measured[3], tests=dict.fromkeys(measured[3].tests, ExecutionTrace()))
    judge = engine(measured, blind, disagreed=told.append)
    first, second = await judged(judge, bug(DISCOUNT), bug(CLAMP))
    assert first.reason == "valid"
    assert second.reason == "valid"
    assert len(told) == 1
    assert "no-test-failed by 0 tests, valid by all" in told[0]


SLOW = SOURCE.replace("rate = 10", "import time; time.sleep(1.6); rate = 11").encode()
HANGING = SOURCE.replace("rate = 10", "\n        while True: rate = 10").encode()
HANGING_AT_IMPORT = (SOURCE + "\nwhile True: pass\n").encode()


@pytest.mark.parametrize(
    ("source", "reason"),
    [(SLOW, "valid"), (HANGING, "timeout"), (HANGING_AT_IMPORT, "timeout")],
)
async def test_a_slow_failure_is_none_of_a_hang(
    measured: Measured, monkeypatch: pytest.MonkeyPatch, source: bytes, reason: str
) -> None:
    monkeypatch.setattr("harness.environments.baseline.LEAST_TEST_TIMEOUT", 4.0)
    for coverage in (None, measured[3]):
        (verdict,) = await judged(engine(measured, coverage, judged=1000), bug(source))
        assert verdict.reason == reason


class Busy:
    """A runner on a machine on which some tests do not end in time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def send(self, frame: Frame) -> None:
        await self._channel.send(frame)

    async def receive(self, *, timeout: float) -> Frame:
        frame = await self._channel.receive(timeout=timeout)
        is_late = frame.get("event") == "outcome" and "discount" in str(frame.get("test"))
        return {**frame, "outcome": "timeout"} if is_late else frame

    async def close(self) -> None:
        await self._channel.close()


async def test_a_busy_machine_makes_no_bug_a_hang(measured: Measured) -> None:
    backend, environment, baseline, coverage = measured
    busy = PlainBackend(
        backend._project, backend.places / "busy", wrap=lambda channel, number: Busy(channel)
    )
    for known in (None, coverage):
        (verdict,) = await judged(
            engine((busy, environment, baseline, coverage), known, judged=1000), bug(DISCOUNT)
        )
        assert verdict.reason == "sandbox-broken"
        assert "too busy" in verdict.detail


class Jumpy:
    """A runner on a machine on which a test that the bug cannot touch goes wrong once."""

    def __init__(self, channel: Channel, left: list[str]) -> None:
        self._channel = channel
        self._left = left

    async def send(self, frame: Frame) -> None:
        await self._channel.send(frame)

    async def receive(self, *, timeout: float) -> Frame:
        frame = await self._channel.receive(timeout=timeout)
        if frame.get("event") == "outcome" and frame.get("test") in self._left:
            self._left.remove(str(frame["test"]))
            return {**frame, "outcome": "failed"}
        return frame

    async def close(self) -> None:
        await self._channel.close()


@pytest.mark.parametrize(
    ("source", "selecting", "reason"),
    [
        (DISCOUNT, False, "valid"),
        (UNTESTED, False, "no-test-failed"),
        (UNTESTED, True, "no-test-failed"),
    ],
)
async def test_what_goes_wrong_once_changes_no_verdict(
    measured: Measured, source: bytes, selecting: bool, reason: str
) -> None:
    backend, environment, baseline, coverage = measured
    known = coverage if selecting else None
    left = ["tests/test_shop.py::test_parse_refuses[tea=]"]
    jumpy = PlainBackend(
        backend._project,
        backend.places / "jumpy",
        wrap=lambda channel, number: Jumpy(channel, left),
    )
    (quiet,) = await judged(engine(measured, known, judged=1000), bug(source))

    (verdict,) = await judged(
        engine((jumpy, environment, baseline, coverage), known, judged=1000), bug(source)
    )

    assert not left
    assert verdict.reason == reason
    assert replace(verdict, seconds=0) == replace(quiet, seconds=0)


HANGING_IN_COMPANY = SOURCE.replace(
    "rate = 10",
    "rate = 10\n        import sys; sys.calls = getattr(sys, 'calls', 0) + 1"
    "\n        while sys.calls > 1: pass",
).encode()


async def test_a_hang_in_company_alone_is_spilled(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.environments.baseline.LEAST_TEST_TIMEOUT", 3.0)
    (verdict,) = await judged(engine(measured, None), bug(HANGING_IN_COMPANY))
    assert (verdict.reason, bool(verdict.spilled)) == ("spilled", True)


@pytest.mark.parametrize(
    ("added", "reason"),
    [("import os; os._exit(3)", "breaks-everything"), ("EXTRA = 1", "no-test-failed")],
)
async def test_what_ends_the_collection_of_all_is_seen_though_no_file_of_tests_imports_it(
    measured: Measured, added: str, reason: str
) -> None:
    coverage = measured[3]
    assert WHERE in coverage.imported.opened
    alone = dict.fromkeys(coverage.importers, frozenset[str]())
    judge = engine(measured, replace(coverage, importers=alone), judged=1000)
    (verdict,) = await judged(judge, bug(f"{SOURCE}\n{added}\n".encode()))
    assert verdict.reason == reason


async def test_the_longest_is_handed_out_first(measured: Measured) -> None:
    judge = engine(measured, measured[3], judged=1000)
    order = []
    given = [bug(UNTESTED), bug(CLAMP), bug(LATER)]
    jobs = sorted(judge._job(number, each) for number, each in enumerate(given))
    for job in jobs:
        assert job.bug is not None
        tests = None if job.selection is None else job.selection.tests
        seconds = [test.seconds for test in measured[2].tests if tests is None or test.id in tests]
        order.append(sum(seconds))
    assert order == sorted(order, reverse=True)
    assert order[0] > order[-1]


async def test_a_sandbox_that_nobody_waits_for_any_more_is_thrown_away(measured: Measured) -> None:
    backend, environment, *_ = measured
    closed: list[bool] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        kind = "local"

        async def start(self, environment: Environment, *, limits: SandboxLimits) -> Sandbox:
            begun.set()
            await go_on.wait()
            sandbox = await backend.start(environment, limits=limits)
            close = sandbox.close

            async def noted() -> None:
                await close()
                closed.append(True)

            sandbox.close = noted  # type: ignore[method-assign]
            return sandbox

    slow: Any = Slow()
    starting = asyncio.ensure_future(start(slow, environment, SandboxLimits()))
    await begun.wait()
    starting.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert closed == [True]


async def test_who_stops_listening_leaves_no_sandbox_that_was_about_to_be_cleared_away(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[str] = []
    discard = local_engine.SandboxWorker.discard

    async def slowly(worker: local_engine.SandboxWorker) -> None:
        await asyncio.sleep(0.2)
        await discard(worker)
        cleared.append("sandbox")

    monkeypatch.setattr(local_engine.SandboxWorker, "discard", slowly)

    async def given() -> AsyncIterator[Bug]:
        yield bug(DISCOUNT)

    async with aclosing(engine(measured, None).judge(given())) as verdicts:
        await anext(verdicts)
        # The worker has met the end by now, and clears away.
        await asyncio.sleep(0.05)

    assert cleared == ["sandbox"]

"""The ways to screen a bug that are compared, from the field's practice to the engine itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import harness.judge.trust
import harness.sandboxes.docker_backend
from benchmarks.validation.bench import Bench, Case, Row, make_bench
from benchmarks.validation.usage import Meter, MeteredBackend, Usage
from forge.compose import make_machine_engine
from forge.run.preparation import Ready
from forge.run.progress import Reporter
from forge.run.settings import Settings
from harness.runs.suite import SuiteRun, run_suite
from harness.sandboxes.docker_owners import OWNER
from harness.sandboxes.sandbox import Channel
from storage.errors import SandboxError
from storage.records import Bug, Verdict
from storage.store import Store
from storage.trees import Trees

TRIES = 2
NEVER = 1 << 62


class Way(Protocol):
    """One way to screen bugs."""

    name: str
    meter: Meter

    async def judge(self, case: Case) -> Row:
        """Screen one bug."""

    async def close(self) -> None:
        """End what is running."""


class Fresh:
    """The field's practice: a sandbox for each bug, and the whole suite in it."""

    name = "a"

    def __init__(self, bench: Bench, meter: Meter) -> None:
        self._bench = bench
        self.meter = meter

    async def judge(self, case: Case) -> Row:
        before = self.meter.now()
        place = self._bench.worker()
        try:
            run = await self._bench.run(await place.channel(), case.files)
        finally:
            await place.discard()
        return self._bench.row(self.name, case, self.meter.now() - before, run, None)

    async def close(self) -> None:
        """Nothing stays."""


class Kept:
    """One sandbox for all bugs; the whole suite, or the tests that can notice the bug."""

    def __init__(self, bench: Bench, meter: Meter, *, name: str, selecting: bool) -> None:
        self.name = name
        self.meter = meter
        self._bench = bench
        self._selecting = selecting
        self._place = bench.worker()
        self._since: Usage | None = None

    async def judge(self, case: Case) -> Row:
        tests = case.tests if self._selecting else None
        before = resumed(self.meter, self._since)
        run = SuiteRun(results={}, collected=())
        if tests is None or tests:
            run = await self._run(case, tests)
        now = self.meter.now()
        self._since = now
        usage = now - before
        if self._selecting:
            usage += case.selected_in
        return self._bench.row(self.name, case, usage, run, tests)

    async def _run(self, case: Case, tests: Collection[str] | None) -> SuiteRun:
        for tried in range(TRIES):
            try:
                run = await self._bench.run(await self._place.channel(), case.files, tests)
            except SandboxError:
                await self._place.discard()
                if tried == TRIES - 1:
                    raise
            else:
                if not run.restored:
                    await self._place.discard()
                return run
        raise AssertionError

    async def close(self) -> None:
        await self._place.discard()


def resumed(meter: Meter, since: Usage | None) -> Usage:
    """Begin where the last bug ended, as far as the sandbox goes: it cleans up after its answer."""
    now = meter.now()
    if since is None:
        return now
    return Usage(wall=now.wall, engine=now.engine, sandbox=since.sandbox, daemons=now.daemons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One run of tests that the engine asked for."""

    alone: bool
    asked: Collection[str] | None
    run: SuiteRun
    usage: Usage


class Real:
    """The engine as ``forge`` makes it, with one worker, and nothing judged both ways."""

    name = "d"

    def __init__(
        self,
        settings: Settings,
        ready: Ready,
        bench: Bench,
        store: Store,
        note: Reporter,
        meter: Meter,
    ) -> None:
        self.meter = meter
        self._bench = bench
        engine = make_machine_engine(
            settings, ready, Trees(settings.cache), store=store, reporter=note
        )
        self._waiting: asyncio.Queue[Bug | None] = asyncio.Queue()
        self._verdicts = engine.judge(self._feed())
        self._phases: list[Phase] = []
        self._since: Usage | None = None

    async def _feed(self) -> AsyncIterator[Bug]:
        while (bug := await self._waiting.get()) is not None:
            yield bug

    async def judge(self, case: Case) -> Row:
        before = resumed(self.meter, self._since)
        self._phases.clear()
        with unaudited(), watching(self._watched):
            await self._waiting.put(case.bug)
            verdict = await anext(self._verdicts)
        now = self.meter.now()
        self._since = now
        return self._row(case, verdict, now - before)

    async def _watched(self, channel: Channel, **options: Any) -> SuiteRun:
        """Run tests as the engine asks, and note what that cost."""
        before = self.meter.now()
        run = await run_suite(channel, **options)
        usage = self.meter.now() - before
        alone, asked = bool(options.get("isolate")), options.get("tests")
        self._phases.append(Phase(alone=alone, asked=asked, run=run, usage=usage))
        return run

    def _row(self, case: Case, verdict: Verdict, total: Usage) -> Row:
        confirmation = sum((each.usage for each in self._phases if each.alone), Usage())
        screenings = [each for each in self._phases if not each.alone]
        known: dict[str, Any] = {}
        if screenings:
            last = screenings[-1]
            seen = self._bench.row(self.name, case, total, last.run, last.asked)
            known = {"red": seen.red, "end": seen.end, "hung": seen.hung, "ran": seen.ran}
        elif verdict.valid:
            known = {"red": (*verdict.fail_to_pass, *verdict.spilled)}
        note = f"{len(screenings)} screening runs" if len(screenings) > 1 else ""
        return Row(
            way=self.name,
            bug=case.bug.id,
            screening=total - confirmation,
            confirmation=confirmation,
            reason=verdict.reason,
            note=" ".join([note, verdict.detail]).strip(),
            **known,
        )

    async def close(self) -> None:
        await self._waiting.put(None)
        with suppress(StopAsyncIteration):
            await anext(self._verdicts)
        await self._verdicts.aclose()


@contextmanager
def watching(instead: Callable[..., Any]) -> Iterator[None]:
    """Have every module of the harness call ``instead`` for ``run_suite``."""
    found = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("harness.") and getattr(module, "run_suite", None) is run_suite
    ]
    for module in found:
        vars(module)["run_suite"] = instead
    try:
        yield
    finally:
        for module in found:
            vars(module)["run_suite"] = run_suite


@contextmanager
def unaudited() -> Iterator[None]:
    """Have the engine judge no bug both ways: that belongs to trust, not to judging."""
    module = harness.judge.trust
    kept = module.AUDITED, module.SAMPLED
    module.AUDITED, module.SAMPLED = 0, NEVER
    try:
        yield
    finally:
        module.AUDITED, module.SAMPLED = kept


@contextmanager
def spared() -> Iterator[None]:
    """Keep a start in this process from removing the sandboxes of the other ways.

    Images carry the label of the process that built them, and containers inherit it: where that
    process is gone, the sweep takes a living sandbox for a builder that was left behind.
    """
    names = vars(harness.sandboxes.docker_backend)
    kept = names["BUILDER"]
    names["BUILDER"] = OWNER
    try:
        yield
    finally:
        names["BUILDER"] = kept


def make_ways(
    names: Collection[str],
    settings: Settings,
    ready: Ready,
    store: Store,
    note: Reporter,
    meters: Mapping[str, Meter],
) -> list[Way]:
    """Return the ways named, each with sandboxes and a meter of its own."""
    found: list[Way] = []
    for name in names:
        meter = meters[name]
        backend = MeteredBackend(ready.backend, meter)
        bench = make_bench(settings, ready, backend)
        if name == "a":
            found.append(Fresh(bench, meter))
        elif name in ("b", "c"):
            found.append(Kept(bench, meter, name=name, selecting=name == "c"))
        else:
            metered = replace(ready, backend=backend)
            found.append(Real(settings, metered, bench, store, note, meter))
    return found

"""Judge one shard of a batch, by the engine that this machine always judges by."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from forge.remote.batch.durable_lines import Appending
from forge.remote.batch.partition import Shard
from forge.remote.batch.plans import Batch
from forge.remote.batch.shard_lines import (
    DONE,
    OUT_OF_TIME,
    STOPPED,
    ShardResult,
    VerdictFileLine,
    head_of,
    pack_verdict,
    read_delivery,
)
from forge.run.parts import EngineMaker, MachineEngine
from harness.judge.trust import audit_named
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.errors import BatchError
from storage.records import Bug, Environment, Verdict

DIED = "runner-died"
"""Reason of a bug under which runners die."""
DEATHS = 2
"""So often, the second time with no other bug beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSummary:
    """What one process did for a shard."""

    shard: int
    bugs: int
    """In the shard."""
    before: int
    """That had a verdict before."""
    verdicts: int
    """That have one now."""
    reasons: tuple[tuple[str, int], ...]
    ended: str
    tests: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class ShardJudge:
    """One process that judges a shard: what it writes, and what it has come to."""

    batch: Batch
    shard: Shard
    make_engine: EngineMaker
    backend: Backend
    environment: Environment
    """As it is on this machine."""
    file: Appending
    limits: SandboxLimits
    workers: int
    count: Callable[[int, int], None]
    reasons: Counter[str] = field(default_factory=Counter)
    tests: int = 0
    has_disagreed: bool = False
    """Selecting tests went wrong here: from then on every test is run."""
    _messages: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def read_earlier_results(self) -> ShardResult:
        """Return what earlier processes left; write the head where none did. Raises BatchError."""
        if not self.file.found:
            self.file.add(head_of(self.batch.planned, self.shard))
            return ShardResult(head=head_of(self.batch.planned, self.shard), verdicts=())
        ids = [bug.id for bug in self.batch.bugs.bugs]
        try:
            return read_delivery(self.file.found, self.batch.planned, ids, self._green)
        except BatchError as error:
            raise BatchError(f"the output cannot be gone on with: {error}; name another") from error

    async def work(self, before: ShardResult) -> None:
        """Judge what has no verdict yet: what a process died under comes last, one at a time."""
        self.has_disagreed = bool(before.disagreed)
        known = {verdict.bug for verdict, _ in before.verdicts}
        bugs = self.batch.bugs.bugs
        deaths = Counter({bugs[place].id: n for place, n in self.batch.planned.deaths})
        deaths.update(before.died_under)
        shy = {bugs[place].id for place in self.shard.alone} | set(deaths)
        waiting = [bugs[place] for place in self.shard.bugs if bugs[place].id not in known]
        self.reasons.update(verdict.reason for verdict, _ in before.verdicts)
        await self._judge([bug for bug in waiting if bug.id not in shy], self.workers)
        for bug in waiting:
            if deaths[bug.id] >= DEATHS:
                self._keep(set_aside(bug.id, self.batch, deaths[bug.id]))
            elif bug.id in shy:
                await self._judge([bug], 1)

    async def _judge(self, bugs: Sequence[Bug], workers: int) -> None:
        if not bugs:
            return
        engine = self._engine(workers)
        try:
            async with aclosing(engine.judge(stream_bugs(bugs))) as verdicts:
                async for verdict in verdicts:
                    self._keep(verdict)
        finally:
            self.tests += engine.tests_run

    def _keep(self, verdict: Verdict) -> None:
        said = self._messages.pop(verdict.bug, {})
        self.file.add(VerdictFileLine(verdict=pack_verdict(verdict, self._green, said)))
        self.reasons[verdict.reason] += 1
        self.count(self.reasons.total(), len(self.shard.bugs))

    def _engine(self, workers: int) -> MachineEngine:
        planned, packed = self.batch.planned, self.batch.packed
        bugs = self.batch.bugs.bugs
        return self.make_engine(
            self.backend,
            self.environment,
            packed.baseline,
            workers=workers,
            read=self.batch.bugs.read_file,
            limits=self.limits,
            coverage=None if self.has_disagreed else packed.coverage,
            audits=audit_named({bugs[place].id for place in planned.audited}),
            on_disagreement=self._on_disagreement,
            on_start=lambda bug: self.file.add(VerdictFileLine(begun=bug.id)),
            on_messages=self._messages.__setitem__,
        )

    def _on_disagreement(self, text: str) -> None:
        self.has_disagreed = True
        self.file.add(VerdictFileLine(disagreed=text))

    @property
    def _green(self) -> tuple[str, ...]:
        return self.batch.packed.baseline.green


async def run_shard(
    batch: Batch,
    number: int,
    output: Path,
    *,
    make_engine: EngineMaker,
    backend: Backend,
    environment: Environment,
    limits: SandboxLimits,
    workers: int,
    seconds: float | None = None,
    count: Callable[[int, int], None] = lambda done, total: None,
) -> ShardSummary:
    """Judge a shard, adding to ``output`` what is known as soon as it is, and return the counts.

    What is in ``output`` already is not judged again. After ``seconds`` it ends in good order, as
    it does when it is cancelled. Raises BatchError.
    """
    shard = batch.planned.shard(number)
    if shard is None:
        raise BatchError(f"the plan has no shard {number}; it has {len(batch.planned.shards)}")
    started = time.monotonic()
    with Appending(output) as file:
        judging = ShardJudge(
            batch=batch,
            shard=shard,
            make_engine=make_engine,
            backend=backend,
            environment=environment,
            file=file,
            limits=limits,
            workers=workers,
            count=count,
        )
        before = judging.read_earlier_results()
        file.add(VerdictFileLine(started=before.starts + 1))
        ended = STOPPED
        try:
            async with asyncio.timeout(seconds):
                await judging.work(before)
            ended = DONE
        except TimeoutError:
            ended = OUT_OF_TIME
        finally:
            took = round(time.monotonic() - started, 3)
            file.add(VerdictFileLine(ended=ended, tests=judging.tests, seconds=took))
    return ShardSummary(
        shard=number,
        bugs=len(shard.bugs),
        before=len(before.verdicts),
        verdicts=judging.reasons.total(),
        reasons=tuple(judging.reasons.most_common()),
        ended=ended,
        tests=judging.tests,
        seconds=took,
    )


def set_aside(bug: str, batch: Batch, deaths: int) -> Verdict:
    """Return the verdict on a bug under which runners die."""
    return Verdict(
        bug=bug,
        environment=batch.planned.environment,
        harness=batch.planned.harness,
        mode=batch.planned.mode,
        reason=DIED,
        detail=f"{deaths} runners died while they judged it",
    )


async def stream_bugs(bugs: Sequence[Bug]) -> AsyncGenerator[Bug, None]:
    """Yield bugs."""
    for bug in bugs:
        yield bug

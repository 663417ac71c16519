"""The engine that has bugs judged elsewhere: in batches, each a run of many jobs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from forge.remote.actions.place import BatchPlace
from forge.remote.actions.settlement import Settled, settle
from forge.remote.batch.bugs import gather
from forge.remote.batch.environments import Packed
from forge.remote.batch.plans import Batch, expectations, make_batch, read_batch, write_batch
from forge.remote.batch.waves import next_wave
from forge.run.nouns import format_count
from forge.run.pace import BatchPace
from storage.errors import BatchError
from storage.records import Bug, Dispatch, MinuteLimit, Verdict
from storage.store import Store

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""So often bugs are sent that come back without a verdict."""
LIMIT = (
    "{plan} minutes more would pass the limit of {limit:.0f} runner minutes for {of}; "
    "`bugfoundry batch limit` raises it"
)
GIVEN_UP = (
    "{count} came back without a verdict {attempts} times, the last run is {url}; the same "
    "command tries again"
)

Told = Callable[[str, Mapping[str, str]], None]


class ActionsEngine:
    """Judges bugs by jobs elsewhere; interchangeable with the engine on this machine.

    What was sent is kept in the store and in ``folder``: started again, it goes on with the runs
    that are under way. ``on_messages`` is given what failing tests said, before the verdict.
    """

    def __init__(
        self,
        place: BatchPlace,
        packed: Packed,
        *,
        read: Callable[[str], bytes | None],
        folder: Path,
        store: Store,
        pace: BatchPace,
        judged: int = 0,
        on_messages: Told = lambda bug, messages: None,
        on_disagreement: Callable[[str], None] = lambda text: None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.mode = packed.mode
        self.screened: Counter[str] = Counter()
        self._place = place
        self._packed = packed
        self._read = read
        self._folder = folder
        self._store = store
        self._pace = pace
        self._judged = judged
        self._on_messages = on_messages
        self._on_disagreement = on_disagreement
        self._note = note

    async def judge(self, bugs: AsyncIterator[Bug]) -> AsyncGenerator[Verdict, None]:
        """Yield a verdict for each bug as its run ends, in any order. Raises BugfoundryError."""
        judging = ActionsJudge(self)
        task = asyncio.ensure_future(judging.work(bugs))
        try:
            while not (task.done() and judging.known.empty()):
                taken = asyncio.ensure_future(judging.known.get())
                await asyncio.wait([taken, task], return_when=asyncio.FIRST_COMPLETED)
                if taken.done():
                    yield taken.result()
                else:
                    taken.cancel()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def dispatch_of(self, batch: Batch, attempt: int) -> Dispatch:
        """Return the record of a batch that is about to be sent."""
        repository = self._packed.repository
        planned = batch.planned
        return Dispatch(
            plan=planned.id,
            repository=f"{repository.owner}/{repository.name}",
            environment=planned.environment,
            place=self._place.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            attempt=attempt,
            bugs=sum(len(shard.bugs) for shard in planned.shards),
            expected=float(planned.minutes),
        )


class ActionsJudge:
    """One time that an engine judges: what waits, what is under way, what is known."""

    def __init__(self, engine: ActionsEngine) -> None:
        self.known: asyncio.Queue[Verdict] = asyncio.Queue()
        self._engine = engine
        self._asked: set[str] = set()
        self._early: dict[str, Verdict] = {}
        """Verdicts on bugs of earlier runs that nobody has asked for yet."""
        self._under_way: set[str] = set()
        self._runs: list[asyncio.Task[None]] = []

    async def work(self, bugs: AsyncIterator[Bug]) -> None:
        """Send bugs until there are no more, and wait for their runs. Raises BugfoundryError."""
        try:
            self._resume()
            waiting: list[Bug] = []
            async for bug in pauses(bugs, self._engine._pace.linger):
                if bug is None or len(waiting) >= self._engine._pace.most:
                    self._send(waiting)
                    waiting = []
                if bug is not None and self._ask(bug):
                    waiting.append(bug)
                for run in self._runs:
                    if run.done():
                        run.result()
            self._send(waiting)
            await asyncio.gather(*self._runs)
        finally:
            for run in self._runs:
                run.cancel()
            await asyncio.gather(*self._runs, return_exceptions=True)

    def _ask(self, bug: Bug) -> bool:
        """Take note of a bug, and say whether it has to be sent."""
        self._asked.add(bug.id)
        early = self._early.pop(bug.id, None)
        if early is not None:
            self.known.put_nowait(early)
        return early is None and bug.id not in self._under_way

    def _resume(self) -> None:
        """Go on with what an earlier process sent."""
        engine = self._engine
        for dispatch in engine._store.dispatches.open(engine._packed.environment.id):
            if dispatch.place != engine._place.name:
                continue
            try:
                batch = read_batch(engine._folder / dispatch.plan)
            except BatchError as error:
                gone = replace(dispatch, state="ended", detail=str(error))
                engine._store.dispatches.set_dispatch(gone)
                continue
            self._follow(dispatch, batch)

    def _send(self, bugs: Sequence[Bug]) -> None:
        """Make a batch of bugs, and follow it. Raises BatchError where a limit forbids it."""
        if not bugs:
            return
        engine = self._engine
        gathered = gather(engine._packed.environment.tree, bugs, engine._read)
        pace = engine._pace
        batch = make_batch(
            engine._packed,
            gathered,
            aim=pace.minutes,
            workers=pace.workers,
            judged=engine._judged,
            shards=pace.shards,
        )
        engine._judged += len(bugs)
        self._dispatch(batch, 1)
        left = [bugs[place] for place in batch.planned.left]
        self._send(left)

    def _dispatch(self, batch: Batch, attempt: int) -> None:
        engine = self._engine
        while (known := engine._store.dispatches.get(batch.planned.id)) and known.state == "ended":
            batch = replace(batch, planned=replace(batch.planned, serial=batch.planned.serial + 1))
        write_batch(engine._folder / batch.planned.id, batch)
        dispatch = engine.dispatch_of(batch, attempt)
        passed = engine._store.dispatches.intend(dispatch)
        if passed is not None:
            raise BatchError(describe_passed_limit(dispatch, passed))
        engine._note(
            f"{format_count(dispatch.bugs, 'bug')} to {engine._place.name} in "
            f"{format_count(len(batch.planned.shards), 'shard')}, "
            f"{dispatch.expected:.0f} runner minutes expected"
        )
        self._follow(known or dispatch, batch)

    def _follow(self, dispatch: Dispatch, batch: Batch) -> None:
        for shard in batch.planned.shards:
            self._under_way |= {batch.bugs.bugs[place].id for place in shard.bugs}
        self._runs.append(asyncio.ensure_future(self._follow_to_end(dispatch, batch)))

    async def _follow_to_end(self, dispatch: Dispatch, batch: Batch) -> None:
        """See a batch through to its end; what has no verdict then is sent again."""
        settled, url = await follow(self._engine, dispatch, batch)
        for name, found in settled.collected.found.items():
            if found.messages:
                self._engine._on_messages(name, found.messages)
            if name in self._asked:
                self.known.put_nowait(found.verdict)
            else:
                self._early[name] = found.verdict
        for text in settled.collected.disagreed:
            self._engine._on_disagreement(text)
        missing = settled.collected.missing
        if not missing:
            await self._engine._place.remove(dispatch.plan)
            return
        if dispatch.attempt >= ATTEMPTS:
            raise BatchError(
                GIVEN_UP.format(count=format_count(len(missing), "bug"), attempts=ATTEMPTS, url=url)
            )
        again = next_wave(batch, settled.plans, settled.collected, expectations(batch))
        assert again is not None
        self._dispatch(replace(batch, planned=again), dispatch.attempt + 1)
        await self._runs[-1]


async def follow(engine: ActionsEngine, dispatch: Dispatch, batch: Batch) -> tuple[Settled, str]:
    """Put, start and wait for a batch, from wherever an earlier process left it.

    What was done is kept before the next thing is; a run that was started, but not known to the
    store, is found at the place.
    """
    place, store = engine._place, engine._store
    if dispatch.state == "planned":
        address = await place.upload_batch(engine._folder / dispatch.plan, dispatch.plan)
        dispatch = replace(dispatch, state="put", address=address)
        store.dispatches.set_dispatch(dispatch)
    if dispatch.state == "put":
        run = await place.find(dispatch.address, dispatch.plan)
        run = run or await place.dispatch(dispatch.address, dispatch.plan)
        dispatch = replace(dispatch, state="dispatched", run=run)
        store.dispatches.set_dispatch(dispatch)
        log.info("plan=%s run=%s dispatched", dispatch.plan, run)
    waits = engine._pace.waits()
    while not (state := await place.state(dispatch.run)).ended:
        await asyncio.sleep(next(waits))
    settled = await settle(dispatch, batch, state, place=place, store=store)
    ended = store.dispatches.get(dispatch.plan)
    detail = f"; {ended.detail}" if ended is not None and ended.detail else ""
    engine._note(
        f"run {dispatch.run} ended ({state.conclusion}) after {state.minutes} runner minutes: "
        f"{format_count(len(settled.collected.found), 'verdict')}{detail}"
    )
    return settled, state.url or dispatch.run


def describe_passed_limit(dispatch: Dispatch, limit: MinuteLimit) -> str:
    """Say which limit a batch would pass."""
    of = f"the month {limit.of}" if limit.scope == "month" else limit.of
    return LIMIT.format(plan=f"{dispatch.expected:.0f}", limit=limit.minutes, of=of)


async def pauses(bugs: AsyncIterator[Bug], linger: float) -> AsyncGenerator[Bug | None, None]:
    """Yield bugs, and None each time that none came for so many seconds."""
    asking: asyncio.Task[Bug] | None = None
    try:
        while True:
            if asking is None:
                asking = asyncio.ensure_future(anext(bugs))
            done, _ = await asyncio.wait([asking], timeout=linger)
            if not done:
                yield None
                continue
            try:
                bug = asking.result()
            except StopAsyncIteration:
                return
            asking = None
            yield bug
    finally:
        if asking is not None:
            asking.cancel()
            with suppress(BaseException):
                await asking

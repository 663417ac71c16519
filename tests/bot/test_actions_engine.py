"""Bugs are sent in batches, their verdicts come back, and nothing is sent or paid for twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from forge.remote.actions.engine import ActionsEngine
from forge.remote.actions.place import RunJob, RunState
from forge.remote.batch.artifacts import Artifact, read_archive
from forge.remote.batch.ingestion import keep_environment
from forge.remote.batch.partition import Shard
from forge.remote.batch.plans import Batch, read_batch
from forge.run.pace import BatchPace
from storage.errors import BatchError
from storage.records import Bug, MinuteLimit, Verdict
from storage.store import Store
from tests.bot.batches import PATH, SOURCE, bug, delivered, packed, verdict_on, zipped

Deliver = Callable[[int, Batch, Shard], bytes | None]


def all_done(run: int, batch: Batch, shard: Shard) -> bytes | None:
    return delivered(batch, shard)


class Desk:
    """A place where runs end at once; ``deliver`` says what each shard leaves, None for nothing."""

    name = "desk"

    def __init__(self, deliver: Deliver = all_done, *, ended: bool = True) -> None:
        self.deliver = deliver
        self.ended = ended
        self.batches: list[Batch] = []
        self.addresses: list[str] = []
        self.fails_after_dispatch = False
        self.removed: list[str] = []

    async def upload_batch(self, folder: Path, plan: str) -> str:
        return str(folder)

    async def dispatch(self, address: str, plan: str) -> str:
        self.batches.append(read_batch(Path(address)))
        self.addresses.append(address)
        if self.fails_after_dispatch:
            raise BatchError("the answer was lost")
        return str(len(self.batches))

    async def find(self, address: str, plan: str) -> str | None:
        return str(self.addresses.index(address) + 1) if address in self.addresses else None

    async def remove(self, plan: str) -> None:
        self.removed.append(plan)

    async def state(self, run: str) -> RunState:
        if not self.ended:
            return RunState(ended=False)
        jobs = tuple(
            RunJob(
                name=f"judge / first / shard {shard.number}",
                conclusion="success" if self._left(int(run), shard) else "failure",
                seconds=61,
            )
            for shard in self.batches[int(run) - 1].planned.shards
        )
        return RunState(ended=True, conclusion="success", url=f"https://run/{run}", jobs=jobs)

    async def artifacts(self, run: str) -> AsyncIterator[Artifact]:
        for shard in self.batches[int(run) - 1].planned.shards:
            data = self._left(int(run), shard)
            if data is not None:
                name = f"verdicts-1-{shard.number}"
                for artifact in read_archive(zipped({"shard.jsonl": data}), name):
                    yield artifact

    def _left(self, run: int, shard: Shard) -> bytes | None:
        return self.deliver(run, self.batches[run - 1], shard)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store(tmp_path / "store.db")
    keep_environment(packed(), opened)
    return opened


def engine(desk: Desk, store: Store, tmp_path: Path, **changed: object) -> ActionsEngine:
    pace = BatchPace(shards=3, workers=1, linger=0.05, poll=0.01)
    made: dict[str, object] = {"pace": pace, **changed}
    return ActionsEngine(
        desk,
        packed(),
        read={PATH: SOURCE.encode()}.get,
        folder=tmp_path / "batches",
        store=store,
        **made,  # type: ignore[arg-type]
    )


async def judged(judge: ActionsEngine, store: Store, *bugs: Bug) -> list[Verdict]:
    """Have bugs judged, as the pipeline does: each is in the store before it is given."""

    async def given() -> AsyncIterator[Bug]:
        for each in bugs:
            store.add_bug(each)
            yield each

    async with aclosing(judge.judge(given())) as verdicts:
        return [verdict async for verdict in verdicts]


BUGS = [bug(number) for number in range(12)]
VERDICTS = sorted((verdict_on(each.id) for each in BUGS), key=lambda each: each.bug)


def by_bug(verdicts: list[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda each: each.bug)


async def test_every_bug_gets_its_verdict_from_one_run(store: Store, tmp_path: Path) -> None:
    desk = Desk()
    said: dict[str, object] = {}
    notes: list[str] = []
    judge = engine(desk, store, tmp_path, on_messages=said.__setitem__, note=notes.append)

    verdicts = await judged(judge, store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    assert by_bug(store.verdicts()) == VERDICTS
    assert set(said) == {each.id for each in BUGS}
    (dispatch,) = store.dispatches.all()
    assert dispatch.state == "ended"
    assert (dispatch.bugs, dispatch.verdicts, dispatch.valid) == (12, 12, 12)
    assert (dispatch.expected, dispatch.used) == (8, 6)
    assert desk.removed == [dispatch.plan]
    assert notes == [
        "12 bugs to desk in 3 shards, 8 runner minutes expected",
        "run 1 ended (success) after 6 runner minutes: 12 verdicts",
    ]


async def test_a_source_that_waits_for_a_verdict_gets_it(store: Store, tmp_path: Path) -> None:
    came: dict[str, asyncio.Event] = {each.id: asyncio.Event() for each in BUGS}

    async def learning() -> AsyncIterator[Bug]:
        for each in BUGS[:3]:
            store.add_bug(each)
            yield each
            await came[each.id].wait()

    desk = Desk()
    async with aclosing(engine(desk, store, tmp_path).judge(learning())) as verdicts:
        async for verdict in verdicts:
            came[verdict.bug].set()

    assert len(desk.batches) == 3


async def test_only_what_has_no_verdict_is_sent_again(store: Store, tmp_path: Path) -> None:
    def lost_once(run: int, batch: Batch, shard: Shard) -> bytes | None:
        return None if (run, shard.number) == (1, 1) else delivered(batch, shard)

    desk = Desk(lost_once)
    verdicts = await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    first, second = desk.batches
    assert [shard.bugs for shard in second.planned.shards] == [first.planned.shards[1].bugs]
    assert [each.attempt for each in store.dispatches.all()] == [1, 2]
    assert "4 bugs without verdict" in store.dispatches.all()[0].detail


async def test_what_never_comes_back_is_given_up_with_the_rest_kept(
    store: Store, tmp_path: Path
) -> None:
    def never(run: int, batch: Batch, shard: Shard) -> bytes | None:
        hopeless = {BUGS[0].id, BUGS[1].id}
        mine = {batch.bugs.bugs[place].id for place in shard.bugs}
        return None if mine & hopeless else delivered(batch, shard)

    desk = Desk(never)
    with pytest.raises(BatchError, match="came back without a verdict 3 times"):
        await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert len(desk.batches) == 3
    assert len(store.verdicts()) >= 4


async def stop_once_dispatched(work: Coroutine[Any, Any, object], store: Store) -> None:
    """Stop an engine, as a restart does, when its run is under way."""
    running = asyncio.ensure_future(work)
    while [each.state for each in store.dispatches.all()] != ["dispatched"]:
        assert not running.done()
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_run_under_way_is_gone_on_with_after_a_restart(
    store: Store, tmp_path: Path
) -> None:
    desk = Desk(ended=False)
    await stop_once_dispatched(judged(engine(desk, store, tmp_path), store, *BUGS), store)
    assert [each.state for each in store.dispatches.all()] == ["dispatched"]

    desk.ended = True
    verdicts = await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    assert len(desk.batches) == 1


async def test_a_run_whose_id_was_not_kept_is_found_and_not_started_again(
    store: Store, tmp_path: Path
) -> None:
    desk = Desk()
    desk.fails_after_dispatch = True
    with pytest.raises(BatchError, match="the answer was lost"):
        await judged(engine(desk, store, tmp_path), store, *BUGS)
    assert [each.state for each in store.dispatches.all()] == ["put"]

    desk.fails_after_dispatch = False
    verdicts = await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    assert len(desk.batches) == 1


async def test_a_batch_whose_files_are_gone_is_made_anew(store: Store, tmp_path: Path) -> None:
    desk = Desk(ended=False)
    await stop_once_dispatched(judged(engine(desk, store, tmp_path), store, *BUGS), store)
    for file in tmp_path.glob("batches/*/bugs-*"):
        file.unlink()

    desk.ended = True
    verdicts = await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS


async def test_a_limit_of_minutes_stops_before_anything_is_sent(
    store: Store, tmp_path: Path
) -> None:
    store.dispatches.set_limit(MinuteLimit(scope="repository", minutes=7))
    desk = Desk()

    with pytest.raises(BatchError, match="limit of 7 runner minutes for acme/shop"):
        await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert not desk.batches
    assert not store.dispatches.all()


async def test_minutes_of_earlier_runs_count_against_the_month(
    store: Store, tmp_path: Path
) -> None:
    store.dispatches.set_limit(MinuteLimit(scope="month", minutes=10))
    await judged(engine(Desk(), store, tmp_path), store, *BUGS[:6])

    with pytest.raises(BatchError, match="limit of 10 runner minutes for the month"):
        await judged(engine(Desk(), store, tmp_path), store, *BUGS[6:])

    assert len(store.verdicts()) == 6


async def test_a_disagreement_is_passed_on(store: Store, tmp_path: Path) -> None:
    def disagreeing(run: int, batch: Batch, shard: Shard) -> bytes | None:
        return delivered(batch, shard) + b'{"disagreed":"bug x: valid by 2 tests"}\n'

    told: list[str] = []
    judge = engine(Desk(disagreeing), store, tmp_path, on_disagreement=told.append)
    await judged(judge, store, BUGS[0])

    assert told == ["bug x: valid by 2 tests"]


async def test_more_than_a_batch_may_hold_goes_in_several(store: Store, tmp_path: Path) -> None:
    desk = Desk()
    pace = BatchPace(shards=2, workers=1, most=5, linger=5, poll=0.01)
    verdicts = await judged(engine(desk, store, tmp_path, pace=pace), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    assert [len(each.bugs.bugs) for each in desk.batches] == [5, 5, 2]


async def test_a_hostile_delivery_is_noted_and_judged_again(store: Store, tmp_path: Path) -> None:
    def forged(run: int, batch: Batch, shard: Shard) -> bytes | None:
        other = batch.planned.shards[(shard.number + 1) % len(batch.planned.shards)]
        data = delivered(batch, shard)
        if run == 1 and shard.number == 0:
            verdicts = [verdict_on(batch.bugs.bugs[place].id) for place in other.bugs]
            return delivered(batch, replace(shard, bugs=shard.bugs), judged=verdicts)
        return data

    desk = Desk(forged)
    verdicts = await judged(engine(desk, store, tmp_path), store, *BUGS)

    assert by_bug(verdicts) == VERDICTS
    assert "1 delivery not believed" in store.dispatches.all()[0].detail


def test_a_short_run_is_looked_at_soon_and_a_long_one_seldom() -> None:
    waits = list(islice(BatchPace().waits(), 100))

    assert waits[0] == 2
    assert waits[-1] == 30
    for number, wait in enumerate(waits[1:], 1):
        assert wait <= 2 + 0.2 * sum(waits[:number]) + 0.001
    assert set(islice(BatchPace(poll=0.5).waits(), 10)) == {0.5}

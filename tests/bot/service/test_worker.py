"""A worker does what is due, holds it while it runs, and loses nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.service.base.scene import Handler, Outcome, Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.queue.worker import QueueWorker
from storage.errors import ConfigError, GitHubBroken
from storage.tables.jobs import Job, NewJob, State
from tests.bot.service.made import scene_of
from tests.furniture.github_world.clock import Clock


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[AsyncStore]:
    async with AsyncStore(tmp_path / "store.db") as opened:
        yield opened


def new(subject: str, payload: str = "{}") -> NewJob:
    return NewJob(queue="q", kind="kind", subject=subject, payload=payload, repository=7)


async def ask(keeper: AsyncStore, *jobs: NewJob, now: float = 0.0) -> None:
    await keeper(lambda store: store.jobs.put_jobs(jobs, now))


async def found(keeper: AsyncStore, subject: str) -> Job:
    job = await keeper(lambda store: store.jobs.get("kind", subject))
    assert job is not None
    return job


def worker(keeper: AsyncStore, handler: Handler, clock: Clock, *, lease: float = 90) -> QueueWorker:
    return QueueWorker("q", {"kind": handler}, scene_of(keeper, clock=clock), name="w", lease=lease)


async def until(keeper: AsyncStore, subject: str, state: State) -> Job:
    for _ in range(6000):
        if (job := await found(keeper, subject)).state == state:
            return job
        await asyncio.sleep(0.01)
    raise AssertionError(f"{subject} never came to be {state}")


async def test_what_a_job_comes_to_is_stored_with_its_end(keeper: AsyncStore) -> None:
    async def handler(job: Job, scene: Scene) -> Outcome:
        follow = (new("effect"),) if job.subject == "cause" else ()
        return Outcome(note=f"did {json.loads(job.payload)}", jobs=follow)

    await ask(keeper, new("cause", "5"))
    await worker(keeper, handler, Clock()).run(until_idle=True)

    assert ((await found(keeper, "cause")).state, (await found(keeper, "cause")).note) == (
        "done",
        "did 5",
    )
    assert (await found(keeper, "effect")).state == "done"


@pytest.mark.parametrize("failure", [GitHubBroken("502"), OSError("cut off"), ValueError("ours")])
async def test_a_failure_is_tried_again_later_and_said(
    keeper: AsyncStore, failure: Exception
) -> None:
    clock = Clock()
    attempts: list[int] = []

    async def handler(job: Job, scene: Scene) -> Outcome:
        attempts.append(job.attempts)
        if job.attempts == 1:
            raise failure
        return Outcome()

    await ask(keeper, new("a"), now=clock.now)
    at_work = worker(keeper, handler, clock)
    await at_work.run(until_idle=True)
    waiting = await found(keeper, "a")
    assert (waiting.state, str(failure) in waiting.error) == ("waiting", True)
    assert waiting.due > clock.now

    clock.now = waiting.due
    await worker(keeper, handler, clock).run(until_idle=True)
    assert ((await found(keeper, "a")).state, attempts) == ("done", [1, 2])


async def test_what_no_repetition_can_mend_is_a_dead_letter_at_once(keeper: AsyncStore) -> None:
    async def handler(job: Job, scene: Scene) -> Outcome:
        raise ConfigError("the key is none")

    await ask(keeper, new("a"))
    await worker(keeper, handler, Clock()).run(until_idle=True)

    assert (await found(keeper, "a")).state == "failed"


async def test_one_bad_job_does_not_hold_up_the_others(keeper: AsyncStore) -> None:
    async def handler(job: Job, scene: Scene) -> Outcome:
        if job.subject == "bad":
            raise KeyError("surprise")
        return Outcome()

    await ask(keeper, new("bad"), new("good"))
    await worker(keeper, handler, Clock()).run(until_idle=True)

    assert (await found(keeper, "good")).state == "done"


async def test_an_error_after_many_attempts_is_a_dead_letter(keeper: AsyncStore) -> None:
    clock = Clock()

    async def handler(job: Job, scene: Scene) -> Outcome:
        raise GitHubBroken("still 502")

    await ask(keeper, new("a"), now=clock.now)
    for _ in range(20):
        await worker(keeper, handler, clock).run(until_idle=True)
        clock.now += 3 * 3600
    dead = await found(keeper, "a")

    assert (dead.state, dead.attempts) == ("failed", 10)


def slow(began: asyncio.Event, ended: Callable[[], None]) -> Handler:
    async def handler(job: Job, scene: Scene) -> Outcome:
        scene.progress("half way")
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended()
        return Outcome()

    return handler


async def test_a_stop_puts_back_what_runs_untried(keeper: AsyncStore) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    await ask(keeper, new("a"))
    at_work = worker(keeper, slow(began, ended.set), Clock())
    running = asyncio.create_task(at_work.run())
    await began.wait()

    await at_work.stop()
    await running

    assert ended.is_set()
    back = await found(keeper, "a")
    assert (back.state, back.attempts) == ("waiting", 0)


async def test_a_heartbeat_tells_how_far_it_is_and_a_cancelled_job_ends(keeper: AsyncStore) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    await ask(keeper, new("a"))
    at_work = worker(keeper, slow(began, ended.set), Clock(), lease=0.06)
    running = asyncio.create_task(at_work.run())
    await began.wait()
    for _ in range(6000):
        if (await found(keeper, "a")).note == "half way":
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("it never told")

    await keeper(lambda s: s.jobs.cancel(7, now=1, queues=["q"], why="opted out"))
    async with asyncio.timeout(60):
        await ended.wait()

    assert (await found(keeper, "a")).state == "cancelled"
    await at_work.stop()
    await running


async def test_what_a_job_came_to_is_dropped_when_it_was_cancelled_meanwhile(
    keeper: AsyncStore,
) -> None:
    async def handler(job: Job, scene: Scene) -> Outcome:
        await keeper(lambda s: s.jobs.cancel(7, now=1, queues=["q"], why="opted out"))
        return Outcome(jobs=(new("effect"),))

    await ask(keeper, new("a"))
    await worker(keeper, handler, Clock()).run(until_idle=True)

    assert (await found(keeper, "a")).state == "cancelled"
    assert await keeper(lambda store: store.jobs.get("kind", "effect")) is None


async def test_many_run_side_by_side_but_no_more_than_wanted(keeper: AsyncStore) -> None:
    now = most = 0

    async def handler(job: Job, scene: Scene) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Outcome()

    await ask(keeper, *(new(str(n)) for n in range(12)))
    scene = scene_of(keeper)
    await QueueWorker("q", {"kind": handler}, scene, name="w", parallel=3).run(until_idle=True)

    counts = await keeper(lambda store: store.jobs.counts())
    assert [(count.state, count.jobs) for count in counts] == [("done", 12)]
    assert most == 3


async def test_a_worker_gives_way_before_it_begins_anything(keeper: AsyncStore) -> None:
    free = asyncio.Event()
    begun: list[str] = []

    async def handler(job: Job, scene: Scene) -> Outcome:
        begun.append(job.subject)
        return Outcome()

    async def giving_way() -> None:
        await free.wait()

    await ask(keeper, new("a"))
    one = QueueWorker("q", {"kind": handler}, scene_of(keeper), name="w", giving_way=giving_way)
    running = asyncio.create_task(one.run(until_idle=True))
    await asyncio.sleep(0.05)
    assert begun == []

    free.set()
    await running
    assert begun == ["a"]

"""Long work beside the event loop: it waits for nothing, and ends when it is told to."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bot.service.base.own_thread import run_in_thread
from bot.service.base.scene import Outcome, Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.queue.worker import QueueWorker
from storage.store import Store
from storage.tables.jobs import Job, NewJob
from tests.bot.service.made import scene_of
from tests.furniture.github_world.clock import Clock


async def test_it_runs_in_a_thread_and_with_a_store_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.jobs.put_jobs([NewJob(queue="q", kind="kind", subject="a")], 0)

    async def work(store: Store) -> tuple[bool, bool]:
        apart_from_us = threading.current_thread() is not threading.main_thread()
        return apart_from_us, store.jobs.get("kind", "a") is not None

    assert await run_in_thread(path, work) == (True, True)


async def test_an_error_comes_out_as_it_is(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        raise KeyError("surprise")

    with pytest.raises(KeyError, match="surprise"):
        await run_in_thread(tmp_path / "store.db", work)


async def test_cancelled_it_has_cleaned_up_when_it_ends(tmp_path: Path) -> None:
    begun, cleaned = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    async def work(store: Store) -> None:
        loop.call_soon_threadsafe(begun.set)
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append("sandbox")

    task = asyncio.create_task(run_in_thread(tmp_path / "store.db", work))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    # Who is in a hurry and cancels once more has to wait for that too.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert cleaned == ["sandbox"]


async def test_cancelled_before_it_began_it_never_begins(tmp_path: Path) -> None:
    begun: list[str] = []

    async def work(store: Store) -> None:
        begun.append("work")

    task = asyncio.create_task(run_in_thread(tmp_path / "store.db", work))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert begun == []


async def test_a_lease_is_kept_up_while_the_work_blocks_its_thread(tmp_path: Path) -> None:
    seen = threading.Event()
    async with AsyncStore(tmp_path / "store.db") as keeper:

        async def handler(job: Job, scene: Scene) -> Outcome:
            async def work(store: Store) -> Outcome:
                # As git or a parser does: no event loop turns meanwhile.
                assert seen.wait(300)
                return Outcome(note="done")

            return await run_in_thread(keeper.path, work)

        await keeper(lambda s: s.jobs.put_jobs([NewJob(queue="q", kind="kind", subject="a")], 0))
        clock = Clock()
        worker = QueueWorker(
            "q", {"kind": handler}, scene_of(keeper, clock=clock), name="w", lease=0.3
        )
        running = asyncio.create_task(worker.run(until_idle=True))
        leases: set[float] = set()
        while len(leases) <= 3:
            assert not running.done()
            await asyncio.sleep(0.05)
            clock.now += 0.1
            job = await keeper(lambda s: s.jobs.get("kind", "a"))
            leases.add(job.lease if job is not None else 0.0)
        seen.set()
        await running

        job = await keeper(lambda s: s.jobs.get("kind", "a"))
        assert job is not None
        assert (job.state, job.note) == ("done", "done")

"""Does what is in a queue: claims jobs, holds them while they run, and stores what they come to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.service.base.metrics import Metrics
from bot.service.base.retries import retry_in
from bot.service.base.scene import Handler, Outcome, Scene
from storage.errors import BugfoundryError, StoreError
from storage.store import Store
from storage.tables.jobs import Job

log = logging.getLogger(__name__)

LEASE = 90.0
"""Seconds for which a job is held; a third of it passes between two heartbeats."""
IDLE = 1.0
"""Seconds after which an idle worker looks again, unless it is nudged."""
LONGEST_ERROR = 500


class NoLongerOurs(Exception):
    """The job was cancelled, or given to another: what it came to is dropped."""


class QueueWorker:
    """Works on one queue, on so many jobs at once, until it is stopped."""

    def __init__(
        self,
        queue: str,
        handlers: Mapping[str, Handler],
        scene: Scene,
        *,
        name: str,
        parallel: int = 1,
        lease: float = LEASE,
        metrics: Metrics | None = None,
        giving_way: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``giving_way`` is waited for before anything is claimed."""
        self.queue = queue
        self._handlers = handlers
        self._scene = scene
        self._name = name
        self._parallel = parallel
        self._lease = lease
        self._metrics = metrics or Metrics()
        self._giving_way = giving_way
        self._nudged = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()

    def nudge(self) -> None:
        """Have the queue looked at now."""
        self._nudged.set()

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until ``stop``; or, if so asked, until nothing is due and nothing runs."""
        try:
            while not self._stopping:
                if self._giving_way is not None:
                    await self._giving_way()
                claimed = await self._claim()
                for job in claimed:
                    task = asyncio.create_task(self._do(job), name=f"{job.kind} {job.subject}")
                    self._running.add(task)
                    task.add_done_callback(self._on_task_end)
                if until_idle and not claimed and not self._running:
                    return
                if not claimed or len(self._running) >= self._parallel:
                    await self._pause()
        finally:
            await self._drain()

    async def stop(self) -> None:
        """Claim nothing more; what runs is put back, to be begun again."""
        self._stopping = True
        self.nudge()
        await self._drain()

    async def _drain(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.nudge()

    async def _claim(self) -> list[Job]:
        free = self._parallel - len(self._running)
        if free <= 0:
            return []
        now = self._scene.clock()
        try:
            return await self._scene.keeper(
                lambda s: s.jobs.claim(
                    self.queue, self._name, now=now, lease=self._lease, most=free
                )
            )
        except StoreError as error:
            log.warning("queue=%s claim failed: %s", self.queue, error)
            return []

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), IDLE)
        self._nudged.clear()

    async def _do(self, job: Job) -> None:
        notes: list[str] = []
        scene = replace(self._scene, progress=notes.append)
        with self._metrics.time_job(job):
            try:
                async with self._hold_lease(job, notes):
                    outcome = await self._handlers[job.kind](job, scene)
                await self._finish(job, outcome)
            except NoLongerOurs:
                log.info("job=%s subject=%s no longer ours", job.kind, job.subject)
            except asyncio.CancelledError:
                await self._scene.keeper(lambda s: s.jobs.release(job, now=self._scene.clock()))
                raise
            # A job that ends in an error nobody foresaw must not end the worker of all others.
            except Exception as error:
                await self._fail(job, error)

    @asynccontextmanager
    async def _hold_lease(self, job: Job, notes: list[str]) -> AsyncIterator[None]:
        """Extend the lease while the job runs; end the job when it is no longer ours."""
        task = asyncio.current_task()
        lost = False

        async def beat() -> None:
            nonlocal lost
            while True:
                await asyncio.sleep(self._lease / 3)
                note = notes[-1] if notes else None
                now = self._scene.clock()
                try:
                    held = await self._scene.keeper(
                        lambda s: s.jobs.extend(job, now=now, lease=self._lease, note=note)  # noqa: B023
                    )
                except StoreError as error:
                    log.warning("job=%s subject=%s not extended: %s", job.kind, job.subject, error)
                    continue
                if not held and task is not None:
                    lost = True
                    task.cancel()
                    return

        beating = asyncio.create_task(beat())
        try:
            yield
        except asyncio.CancelledError:
            if lost and task is not None:
                task.uncancel()
                raise NoLongerOurs from None
            raise
        finally:
            beating.cancel()

    async def _finish(self, job: Job, outcome: Outcome) -> None:
        now = self._scene.clock()

        def finish(store: Store) -> None:
            with store.together():
                if not store.jobs.finish(job, now=now, note=outcome.note):
                    raise NoLongerOurs
                for change in outcome.changes:
                    change(store)
                store.jobs.put_jobs(outcome.jobs, now)

        await self._scene.keeper(finish)

    async def _fail(self, job: Job, error: Exception) -> None:
        wait = retry_in(error, job.attempts, chance=random.Random())
        said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        place = (job.kind, job.subject, job.attempts, "never" if wait is None else f"{wait:.0f}s")
        if isinstance(error, BugfoundryError):
            log.warning("job=%s subject=%s attempt=%d retry=%s error=%r", *place, said)
        else:
            log.exception("job=%s subject=%s attempt=%d retry=%s unforeseen", *place)
        self._metrics.count_failure(job, final=wait is None)
        now = self._scene.clock()
        try:
            await self._scene.keeper(lambda s: s.jobs.fail(job, said, now=now, retry_in=wait))
        except StoreError as lost:
            # Its lease will end, and it is begun again.
            log.warning("job=%s subject=%s end not stored: %s", job.kind, job.subject, lost)

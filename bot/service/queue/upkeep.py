"""What the service does by itself, now and then."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping

from bot.service.base.config import Config
from bot.service.base.retries import MOST_DEATHS
from bot.service.base.scene import Scene
from bot.service.queue.worker import QueueWorker
from bot.service.repositories.chores import (
    ALL,
    MISSED,
    UPKEEP,
    missed_job,
    reconcile_all,
    runs_job,
    tidy_job,
)
from storage.errors import StoreError
from storage.store import Store
from storage.tables.jobs import Job, NewJob

log = logging.getLogger(__name__)

EVERY = 15.0
"""Seconds between two looks at what is to be done."""
TIDY_EVERY = 86400.0


class Upkeep:
    """Takes up what dead workers held, asks for chores in time, and nudges the workers."""

    def __init__(self, scene: Scene, workers: Mapping[str, QueueWorker]) -> None:
        self._scene = scene
        self._workers = workers
        self._begun = False

    async def run(self) -> None:
        """Look after things until cancelled."""
        while True:
            try:
                await self.once()
            except StoreError as error:
                log.warning("upkeep put off error=%r", str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Look after things once; the first time, all chores are due: who knows since when."""
        now, config = self._scene.clock(), self._scene.config
        lost = await self._scene.keeper(lambda s: s.jobs.expire(now=now, most=MOST_DEATHS))
        for job in lost:
            log.warning("job=%s subject=%s worker=%s lost", job.kind, job.subject, job.worker)
        asked = await self._scene.keeper(
            lambda s: ask_for_chores(s, config, now=now, starting=not self._begun)
        )
        self._begun = True
        for queue in {job.queue for job in lost} | ({UPKEEP} if asked else set()):
            if queue in self._workers:
                self._workers[queue].nudge()


def ask_for_chores(store: Store, config: Config, *, now: float, starting: bool) -> int:
    """Ask for what is due to be looked after, and return how much that is."""
    reconciles, tidies = reconcile_all(), tidy_job()
    missed = store.jobs.get(MISSED, ALL)
    since = float(json.loads(missed.payload).get("since", 0.0)) if missed else 0.0
    every = {
        reconciles: config.limits.reconcile_minutes * 60,
        tidies: TIDY_EVERY,
        # It asks for itself again whenever it is done.
        missed_job(since): config.limits.missed_minutes * 60,
    }
    if config.work.engine.mirrors:
        every[runs_job()] = config.limits.reconcile_minutes * 60
    jobs = [job for job, seconds in every.items() if starting or _due(store, job, now, seconds)]
    return store.jobs.put_jobs(jobs, now)


def _due(store: Store, job: NewJob, now: float, every: float) -> bool:
    known: Job | None = store.jobs.get(job.kind, job.subject)
    if known is None:
        return True
    if known.state in ("waiting", "running"):
        # A clock that was ahead may have put it off for long.
        return known.state == "waiting" and known.attempts == 0 and known.due > now + every
    # By a clock that was set back, it may seem to have ended in the future.
    return not 0 <= now - known.ended < every

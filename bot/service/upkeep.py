"""What the service does by itself, now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from bot.service.scene import Scene
from bot.service.worker import Worker
from storage.errors import StoreError

log = logging.getLogger(__name__)

EVERY = 15.0
"""Seconds between two looks at jobs whose worker died."""
MOST_DEATHS = 5


class Upkeep:
    """Takes up what dead workers held, and nudges the workers of this process."""

    def __init__(self, scene: Scene, workers: Mapping[str, Worker]) -> None:
        self._scene = scene
        self._workers = workers

    async def run(self) -> None:
        """Look after things until cancelled."""
        while True:
            try:
                await self.once()
            except StoreError as error:
                log.warning("upkeep put off error=%r", str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Look after things once."""
        now = self._scene.clock()
        lost = await self._scene.keeper(lambda s: s.jobs.expire(now=now, most=MOST_DEATHS))
        for job in lost:
            log.warning("job=%s subject=%s worker=%s lost", job.kind, job.subject, job.worker)
            if job.queue in self._workers:
                self._workers[job.queue].nudge()

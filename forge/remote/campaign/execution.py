"""Run a campaign: many repositories under one budget, each kept as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from forge.remote.campaign.config import Campaign, CampaignEntry
from forge.remote.campaign.schedule import (
    DONE,
    STOPPED,
    explain_halt,
    seconds_to_wait,
    select_remaining,
)
from forge.run.nouns import format_count
from harness.sandboxes.garbage import local_garbage, remove
from harness.sandboxes.local_backend import size_of
from storage.records import CampaignStep
from storage.store import Store

GRACE = 60.0
"""Seconds for which an environment that somebody may still be starting is left alone."""
NAP = 60.0
"""Seconds between two looks at the clock while a campaign waits for its time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedOne:
    """What came of forging one repository."""

    state: str
    failure: str = ""
    """Why it is not done."""
    tasks: int = 0
    verdicts: int = 0


ForgeOne = Callable[[CampaignEntry], Awaitable[ForgedOne]]


class CampaignRun:
    """One time that a campaign is run.

    ``forge_one`` forges a repository, ``say`` is told what a person should know, by lines.
    """

    def __init__(
        self,
        campaign: Campaign,
        *,
        store: Store,
        cache: Path,
        forge_one: ForgeOne,
        say: Callable[[str], None],
    ) -> None:
        self._campaign = campaign
        self._store = store
        self._cache = cache
        self._say = say
        self._forge_one = forge_one
        self._started = time.monotonic()
        self._ended = ""

    async def run(self) -> str:
        """Forge what is not done; return why it ended early, empty when it did not."""
        steps = self._store.campaigns.steps(self._campaign.name)
        waiting = select_remaining(self._campaign, steps)
        done = len(self._campaign.repositories) - len(waiting)
        if done:
            self._say(f"{done} of {len(self._campaign.repositories)} repositories are done already")
        async with asyncio.TaskGroup() as group:
            for _ in range(self._campaign.jobs):
                group.create_task(self._work(waiting))
        return self._ended

    async def _work(self, waiting: list[CampaignEntry]) -> None:
        while waiting and not self._ended:
            await self._wait_for_the_time()
            self._make_room()
            self._ended = explain_halt(
                self._campaign,
                hours=(time.monotonic() - self._started) / 3600,
                gigabytes=self._gigabytes(),
                runner_minutes=self._runner_minutes(),
            )
            if self._ended or not waiting:
                return
            await self._forge(waiting.pop(0))

    async def _wait_for_the_time(self) -> None:
        while (seconds := seconds_to_wait(self._campaign, datetime.now())) > 0:
            await asyncio.sleep(min(seconds, NAP))

    async def _forge(self, entry: CampaignEntry) -> None:
        """Forge one repository; whatever comes of it is kept, and ends nothing else."""
        known = self._store.campaigns.step(self._campaign.name, entry.source)
        step = CampaignStep(
            campaign=self._campaign.name,
            source=entry.source,
            state=STOPPED,
            attempts=1 if known is None else known.attempts + 1,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=0.0 if known is None else known.seconds,
        )
        self._store.campaigns.set_step(step)
        self._say(f"{entry.source}: begun")
        started = time.monotonic()
        done = ForgedOne(state=STOPPED)
        try:
            done = await self._forge_one(entry)
        finally:
            took = time.monotonic() - started
            step = replace(
                step,
                state=done.state,
                seconds=round(step.seconds + took, 1),
                tasks=done.tasks,
                verdicts=done.verdicts,
                failure=done.failure,
            )
            self._store.campaigns.set_step(step)
        counts = f"{format_count(done.tasks, 'task')} of {format_count(done.verdicts, 'verdict')}"
        what = counts if done.state == DONE else done.failure
        self._say(f"{entry.source}: {done.state} after {took / 60:.1f} minutes: {what}")

    def _gigabytes(self) -> float:
        return size_of(self._cache) / 1e9 if self._campaign.disk_gb is not None else 0.0

    def _make_room(self) -> None:
        """Remove local environments, the oldest first, where the cache holds more than it may."""
        limit = self._campaign.disk_gb
        if limit is None or self._gigabytes() < limit:
            return
        for each in local_garbage(self._cache, keep=set(), before=time.time() - GRACE):
            if remove(each, None):
                self._say(f"{each.name} made room: {each.size / 1e6:.0f} MB")
            if self._gigabytes() < limit:
                return

    def _runner_minutes(self) -> float:
        """Minutes that the campaign's repositories have used since it was first begun."""
        steps = self._store.campaigns.steps(self._campaign.name)
        since = min((step.started for step in steps), default="9")
        found = (each for each in self._store.dispatches.all() if each.created >= since)
        return sum(each.used or each.expected for each in found)

"""Run a campaign: each repository in a process of its own, so that none takes another with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from forge.remote.campaign.config import Campaign, Entry
from forge.remote.campaign.schedule import (
    DONE,
    FAILED,
    STOPPED,
    command,
    remaining,
    seconds_to_wait,
    why_not,
)
from forge.run.models import RUN_BUDGET, RUN_NAME
from harness.sandboxes.garbage import local_garbage, remove
from harness.sandboxes.local_backend import size_of
from storage.records import CampaignStep
from storage.store import Store

GRACE = 60.0
"""Seconds that a repository has to stop in."""
SHOWN = 300
"""Characters of why a repository failed."""
NAP = 60.0
"""Seconds between two looks at the clock while a campaign waits for its time of day."""


class Running:
    """One time that a campaign is run. ``say`` is told what a person should know, by lines."""

    def __init__(
        self,
        campaign: Campaign,
        *,
        store: Store,
        cache: Path,
        say: Callable[[str], None],
        environ: dict[str, str] | None = None,
    ) -> None:
        self._campaign = campaign
        self._store = store
        self._cache = cache
        self._say = say
        self._environ = dict(os.environ) if environ is None else environ
        self._started = time.monotonic()
        self._ended = ""

    async def run(self) -> str:
        """Forge what is not done; return why it ended early, empty when it did not."""
        steps = self._store.campaigns.steps(self._campaign.name)
        waiting = remaining(self._campaign, steps)
        done = len(self._campaign.repositories) - len(waiting)
        if done:
            self._say(f"{done} of {len(self._campaign.repositories)} repositories are done already")
        async with asyncio.TaskGroup() as group:
            for _ in range(self._campaign.jobs):
                group.create_task(self._work(waiting))
        return self._ended

    async def _work(self, waiting: list[Entry]) -> None:
        while waiting and not self._ended:
            await self._wait_for_the_time()
            self._make_room()
            self._ended = why_not(
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

    async def _forge(self, entry: Entry) -> None:
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
        self._store.campaigns.set(step)
        self._say(f"{entry.source}: begun")
        started = time.monotonic()
        state, told, tasks, verdicts = STOPPED, "", 0, 0
        try:
            code, out, err = await self._process(command(self._campaign, entry, self._store.path))
            state, told, tasks, verdicts = understood(code, out, err)
        finally:
            took = time.monotonic() - started
            step = replace(
                step,
                state=state,
                seconds=round(step.seconds + took, 1),
                tasks=tasks,
                verdicts=verdicts,
                failure=told,
            )
            self._store.campaigns.set(step)
        what = f"{tasks} tasks of {verdicts} verdicts" if state == DONE else told
        self._say(f"{entry.source}: {state} after {took / 60:.1f} minutes: {what}")

    async def _process(self, words: list[str]) -> tuple[int, bytes, bytes]:
        """Run a command to its end, or stop it after its hours."""
        environ = {
            **self._environ,
            "BUGFOUNDRY_CACHE": str(self._cache),
            RUN_NAME: f"campaign-{self._campaign.name}",
            RUN_BUDGET: str(self._campaign.dollars),
        }
        process = await asyncio.create_subprocess_exec(
            *words,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        reading = asyncio.ensure_future(process.communicate())
        try:
            limit = self._campaign.repository_hours * 3600
            await asyncio.wait([reading], timeout=limit)
            if not reading.done():
                await stop(process, reading)
            out, err = await reading
        except asyncio.CancelledError:
            await stop(process, reading)
            raise
        return process.returncode or 0, out, err

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


async def stop(
    process: asyncio.subprocess.Process, reading: asyncio.Future[tuple[bytes, bytes]]
) -> None:
    """End a process in good order, and by force where it does not end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        await asyncio.wait([reading], timeout=GRACE)
        if reading.done():
            return


def understood(code: int, out: bytes, err: bytes) -> tuple[str, str, int, int]:
    """Return the state, the reason, and how many tasks and verdicts there are."""
    if code == 0:
        summary = json.loads(out)
        verdicts = sum(count for _, count in summary["reasons"])
        return DONE, "", len(summary["tasks"]), verdicts
    lines = err.decode(errors="replace").strip().splitlines()
    last = lines[-1].removeprefix("bugfoundry: ")[:SHOWN] if lines else ""
    if code in (128 + signal.SIGTERM, 128 + signal.SIGINT):
        return STOPPED, last or "stopped", 0, 0
    if code < 0:
        return FAILED, f"killed by signal {-code}", 0, 0
    return FAILED, last or f"exit code {code}", 0, 0

"""The real service in this process, beside a world that tells it what happens there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.service.app.queues import LIGHT
from bot.service.app.server import RunningService, service
from bot.service.base.config import AppConfig, Config, LimitsConfig, ServeConfig, WorkConfig
from bot.service.base.scene import Handler
from bot.service.outbox.outbox import OUTBOX
from bot.service.queue.upkeep import ask_for_chores
from bot.service.repositories.chores import UPKEEP, reconcile_all
from storage.store import Store
from storage.tables.deliveries import INBOX
from storage.tables.deliveries import Delivery as Kept
from storage.tables.hosted import Hosted
from storage.tables.jobs import Job
from tests.furniture.github_world import App, Repository, World
from tests.furniture.github_world.hooks import Delivery

T = TypeVar("T")
ENDED = ("done", "failed", "cancelled")
LONGEST = 300.0
"""Seconds after which a service that does not come to rest is given up."""


@dataclass
class Serving:
    """A service, and the world that it serves."""

    world: World
    app: App
    running: RunningService
    queues: frozenset[str] = frozenset({INBOX, UPKEEP})
    """Those that it works on."""

    async def told(self, *, shuffled: int | None = None) -> list[Delivery]:
        """Have everything that happened delivered and handled."""
        import random

        order = None if shuffled is None else random.Random(shuffled)
        sent = await self.world.hooks.deliver(shuffled=order)
        await self.idle()
        return sent

    async def told_late(self) -> None:
        """Have everything that happened taken in, and handled a minute later, all of it at once."""
        waiting, self.world.hooks.pending = self.world.hooks.pending, []

        def take(store: Store) -> None:
            now = self.running.scene.clock()
            kept = [
                Kept(
                    guid=one.guid,
                    event=one.event,
                    action=one.action or "",
                    repository=one.repository_id or 0,
                    installation=one.installation_id or 0,
                    received=now,
                    body=one.body,
                )
                for one in waiting
            ]
            store.deliveries.receive(kept, now)
            self.world.clock.step()

        await self.store(take)
        await self.idle()

    async def idle(self) -> None:
        """Wait until nothing that is due waits or runs."""
        async with asyncio.timeout(LONGEST):
            while await self.busy():
                self.running.nudge()
                await asyncio.sleep(0.01)

    async def reconciled(self) -> None:
        """Have everything compared with what GitHub says."""
        now = self.running.scene.clock()
        await self.store(lambda s: s.jobs.put_jobs([reconcile_all()], now))
        await self.idle()

    async def fetched(self) -> None:
        """Have what was missed fetched, ahead of time."""
        now = self.running.scene.clock()
        await self.store(lambda s: ask_for_chores(s, self.running.scene.config, now=now,
                                                  starting=True))  # fmt: skip
        await self.idle()

    async def busy(self) -> bool:
        """Tell whether a queue that this process works on has anything that is due."""
        now = self.running.scene.clock()
        jobs = await self.store(lambda s: s.jobs.all(most=-1))
        light = [job for job in jobs if job.queue in self.queues]
        return any(j.state == "running" or (j.state == "waiting" and j.due <= now) for j in light)

    async def store(self, work: Callable[[Store], T]) -> T:
        """Return something out of the store."""
        return await self.running.scene.keeper(work)

    async def hosted(self, repository: Repository) -> Hosted:
        """Return what is kept of a repository; it must be."""
        found = await self.store(lambda s: s.hosted.get(repository.id))
        assert found is not None
        return found

    async def jobs(self, *kinds: str, state: str = "") -> list[Job]:
        """Return the jobs of some kinds, oldest first."""
        found = await self.store(lambda s: s.jobs.all(most=-1))
        wanted = [job for job in reversed(found) if job.kind in kinds]
        return [job for job in wanted if not state or job.state == state]

    async def work(self) -> list[str]:
        """Return what of the long work is to be done, as ``kind subject``."""
        found = await self.store(lambda s: s.jobs.all(queue="work", state="waiting", most=-1))
        return [f"{job.kind} {job.subject}" for job in reversed(found)]

    async def said(self, number: int) -> str:
        """Return what is to stand in our comment under an issue or pull request."""
        found = await self.store(lambda s: s.jobs.all(queue=OUTBOX, most=-1))
        payloads = [json.loads(job.payload) for job in found if job.kind == "comment"]
        return next((one["body"] for one in payloads if one["number"] == number), "")

    async def handled_well(self) -> None:
        """Assert that no job failed or is being tried again."""
        jobs = await self.store(lambda s: s.jobs.all(most=-1))
        assert [(job.kind, job.error) for job in jobs if job.error] == []


@asynccontextmanager
async def serving(
    world: World,
    folder: Path,
    *,
    app: App | None = None,
    limits: LimitsConfig | None = None,
    work: WorkConfig | None = None,
    light: Mapping[str, Mapping[str, Handler]] | None = None,
) -> AsyncIterator[Serving]:
    """Run a service that the App's webhooks go to.

    Writes to GitHub stay in its outbox, unless ``light`` says who sends them.
    """
    made = app or world.app()
    assert made.webhook_secret
    (folder / "key.pem").write_text(made.pem)
    (folder / "secret").write_text(made.webhook_secret)
    config = Config(
        app=AppConfig(
            id=str(made.id),
            slug=made.slug,
            private_key_file=str(folder / "key.pem"),
            webhook_secret_file=str(folder / "secret"),
            api_url=world.api,
            web_url=world.url,
        ),
        serve=ServeConfig(port=0, store=str(folder / "service.db"), cache=str(folder / "cache")),
        work=work or WorkConfig(processes=0),
        limits=limits or LimitsConfig(),
    )
    light = light or {queue: kinds for queue, kinds in LIGHT.items() if queue != OUTBOX}
    async with service(config, clock=world.clock.time, light=light) as running:
        made.hook_url = f"http://127.0.0.1:{running.port}/webhooks"
        served = Serving(world, made, running, frozenset(light))
        # As the service itself does at its start, but not before we look.
        await served.fetched()
        yield served

"""The whole service: takes deliveries, works on the queues, keeps worker processes running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from bot.service.app.queues import LIGHT
from bot.service.app.web import UNDER_WAY, Front, make_app
from bot.service.base.config import Config, secret
from bot.service.base.instance_lock import hold_service_lock
from bot.service.base.metrics import Metrics
from bot.service.base.retries import MOST_DEATHS
from bot.service.base.scene import Handler, Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.inbox.inbox import Inbox
from bot.service.pages.board import Board
from bot.service.queue.crew import Crew
from bot.service.queue.upkeep import Upkeep
from bot.service.queue.worker import QueueWorker
from mirror.github.hub import Hub
from storage.errors import ConfigError
from storage.tables.deliveries import INBOX

log = logging.getLogger(__name__)

TAKEN_WITHIN = 5.0
"""Seconds that a delivery waits for a store that is locked: GitHub gives up after ten."""
GRACE = 20.0
"""Seconds that requests under way have to end when the service stops."""
SERVES = "serve:"
"""What the names of this process's workers begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A service that runs."""

    port: int
    scene: Scene
    nudge: Callable[[], None]
    """Has all queues looked at now."""


async def serve(
    config: Config, *, on_start: Callable[[RunningService], None] = lambda _: None
) -> None:
    """Run the service until it is cancelled; then end gracefully.

    Raises ConfigError or StoreError when it cannot start.
    """
    async with service(config) as running:
        on_start(running)
        await asyncio.Event().wait()


@asynccontextmanager
async def service(
    config: Config,
    *,
    clock: Callable[[], float] = time.time,
    light: Mapping[str, Mapping[str, Handler]] = LIGHT,
) -> AsyncIterator[RunningService]:
    """Run the service inside the block; ``light`` is what its own workers do, by queue and kind."""
    key, hook = credentials(config)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_service_lock(config.store))
        taking = await stack.enter_async_context(
            AsyncStore(config.store, busy_timeout=TAKEN_WITHIN, checkpoints=False)
        )
        # What a power cut undoes of these is begun again: a delivery that was taken lasts.
        keeper = await stack.enter_async_context(AsyncStore(config.store, lasting=False))
        reading = await stack.enter_async_context(AsyncStore(config.store, read_only=True))
        hub = await stack.enter_async_context(
            Hub(
                config.app.api_url,
                app_id=config.app.id,
                private_key=key,
                at_once=config.limits.requests,
                clock=clock,
            )
        )
        scene = Scene(config=config, keeper=keeper, hub=hub, clock=clock)
        # We hold the lock: whoever had these jobs in this place before us is dead.
        await keeper(lambda s: s.jobs.expire(now=clock(), most=MOST_DEATHS, worker=SERVES))
        inbox = Inbox(taking, clock=clock)
        workers = {
            queue: QueueWorker(
                queue,
                handlers,
                scene,
                name=f"{SERVES}{os.getpid()}",
                parallel=config.limits.handlers,
                metrics=metrics,
                giving_way=inbox.wait_until_calm,
            )
            for queue, handlers in light.items()
        }
        front = Front(
            inbox=inbox,
            keeper=keeper,
            secret=hook,
            metrics=metrics,
            nudge=workers[INBOX].nudge,
            clock=clock,
            requests=lambda: hub.requests,
        )
        board = Board(
            reading=reading,
            writing=keeper,
            token=secret("operator_token", config.serve.operator_token_file),
            web_url=config.app.web_url,
            secure=config.serve.public_url.startswith("https://"),
            clock=clock,
        )
        port = await stack.enter_async_context(serve_app(make_app(front, board), config))
        crew = Crew(config)
        tasks = [asyncio.create_task(worker.run()) for worker in workers.values()]
        tasks += [
            asyncio.create_task(Upkeep(scene, workers).run()),
            asyncio.create_task(crew.run()),
        ]
        for task in tasks:
            task.add_done_callback(_log_failure)

        def nudge() -> None:
            for worker in workers.values():
                worker.nudge()

        try:
            yield RunningService(port=port, scene=replace(scene), nudge=nudge)
        finally:
            log.info("stopping")
            await crew.stop()
            for worker in workers.values():
                await worker.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def credentials(config: Config) -> tuple[str, str]:
    """Return the App's private key and the webhook secret. Raises ConfigError."""
    key = secret("private_key", config.app.private_key_file)
    hook = secret("webhook_secret", config.app.webhook_secret_file)
    if not (config.app.id and key and hook):
        missing = [
            name
            for name, value in (("app.id", config.app.id), ("app.private_key_file", key),
                                ("app.webhook_secret_file", hook))
            if not value
        ]  # fmt: skip
        raise ConfigError(
            f"not set: {', '.join(missing)}; `bugfoundry app create` makes the App and sets them"
        )
    return key, hook


@asynccontextmanager
async def serve_app(app: web.Application, config: Config) -> AsyncIterator[int]:
    """Serve an application, and return the port. Raises ConfigError when it cannot be had."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    site = web.TCPSite(runner, config.serve.host, config.serve.port)
    try:
        try:
            await site.start()
        except OSError as error:
            where = f"{config.serve.host}:{config.serve.port}"
            raise ConfigError(f"{where} cannot be listened on: {error.strerror}") from error
        try:
            yield int(runner.addresses[0][1])
        finally:
            await site.stop()
            # What is still being sent to us the runner would not read to its end.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(app[UNDER_WAY].wait_until_idle(), GRACE)
    finally:
        await runner.cleanup()


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a part of the service ended", exc_info=error)

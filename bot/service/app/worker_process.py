"""A process that does the long work, one job at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time

from bot.service.app.queues import HEAVY
from bot.service.base.config import Config, secret
from bot.service.base.scene import Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.queue.worker import QueueWorker
from bot.service.repositories.plan import WORK
from mirror.github.hub import Hub


async def work(config: Config, *, with_parent: bool = False, until_idle: bool = False) -> None:
    """Do what is in the queue of long work until cancelled.

    ``with_parent`` ends when the standard input does; ``until_idle`` when nothing is due. A job
    that is under way then is put back, and begun again by whoever comes next.
    """
    key = secret("private_key", config.app.private_key_file)
    async with (
        AsyncStore(config.store) as keeper,
        Hub(
            config.app.api_url,
            app_id=config.app.id,
            private_key=key,
            at_once=config.limits.requests,
        ) as hub,
    ):
        scene = Scene(config=config, keeper=keeper, hub=hub, clock=time.time)
        name = f"work:{socket.gethostname()}:{os.getpid()}"
        worker = QueueWorker(WORK, HEAVY, scene, name=name)
        running = asyncio.create_task(worker.run(until_idle=until_idle))
        ends = [running]
        if with_parent:
            ends.append(asyncio.create_task(_wait_for_orphaning()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await worker.stop()
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)


async def _wait_for_orphaning() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(1024):
        pass

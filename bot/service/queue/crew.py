"""The processes that do the long work: started, started again when they end, and ended with us."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process

from bot.service.base.config import Config

log = logging.getLogger(__name__)

AGAIN_AFTER = 5.0
"""Seconds before a process that ended is started again."""
GRACE = 30.0
"""Seconds that a process has to put its job back when the service stops."""


class Crew:
    """Keeps as many processes of `bugfoundry work` running as the settings want.

    They end when their standard input does, so that none is left when the service is killed.
    """

    def __init__(self, config: Config, *, command: tuple[str, ...] | None = None) -> None:
        self._count = config.work.processes
        self._command = command or (sys.executable, "-m", "bot", "work", "--with-parent")
        self._processes: set[Process] = set()
        self._stopping = False

    async def run(self) -> None:
        """Keep them running until cancelled."""
        await asyncio.gather(*(self._keep() for _ in range(self._count)))

    async def stop(self) -> None:
        """End them; what they had in hand is put back."""
        self._stopping = True
        processes = list(self._processes)
        for process in processes:
            if process.stdin is not None:
                process.stdin.close()
        ends = [asyncio.create_task(process.wait()) for process in processes]
        if ends:
            _, late = await asyncio.wait(ends, timeout=GRACE)
            for process in processes:
                if process.returncode is None:
                    process.kill()
            await asyncio.gather(*late)

    async def _keep(self) -> None:
        while not self._stopping:
            process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE)
            self._processes.add(process)
            code = await process.wait()
            self._processes.discard(process)
            if not self._stopping:
                log.warning("worker process=%d ended code=%d", process.pid, code)
                await asyncio.sleep(AGAIN_AFTER)

"""Keep every processor of this machine busy for a while."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"
"""Ends by itself when whoever started it is gone."""


@asynccontextmanager
async def load(processes: int | None = None) -> AsyncGenerator[None]:
    """Run busy processes, one a processor by default, until the block ends."""
    count = processes or os.cpu_count() or 1
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", BUSY) for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*(process.wait() for process in started))

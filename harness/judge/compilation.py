"""Ask the environment's own Python what compiles, where it is not the one that runs us."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from harness.runs.suite import run_compile
from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.records import Environment

Compiles = Callable[[list[str]], list[bool]]


@asynccontextmanager
async def open_compiler(
    backend: Backend, environment: Environment
) -> AsyncIterator[Compiles | None]:
    """Give a function for threads that compiles in a sandbox; None where we can do it ourselves.

    Raises SandboxError when no sandbox can be had.
    """
    if tuple(environment.python.split(".")[:2]) == tuple(map(str, sys.version_info[:2])):
        yield None
        return
    sandbox = await backend.start(environment, limits=SandboxLimits())
    try:
        channel = await sandbox.runner()
        loop = asyncio.get_running_loop()

        def compiles(sources: list[str]) -> list[bool]:
            return asyncio.run_coroutine_threadsafe(run_compile(channel, sources), loop).result()

        yield compiles
        await channel.close()
    finally:
        await sandbox.close()

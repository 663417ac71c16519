"""Long work in a thread, an event loop and a store of its own: nothing else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from storage.store import Store

T = TypeVar("T")
Work = Callable[[Store], Coroutine[Any, Any, T]]


async def run_in_thread(path: Path, work: Work[T]) -> T:
    """Return what ``work`` returns, given a store of its thread's own.

    Cancelled, the work is cancelled too, and has ended when this does: its sandboxes are gone.
    """
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    stopped = False

    async def run_work() -> T:
        task: asyncio.Task[T] | None = asyncio.current_task()
        assert task is not None
        begun.append((asyncio.get_running_loop(), task))
        if stopped:
            raise asyncio.CancelledError
        with Store(path) as store:
            return await work(store)

    def stop() -> None:
        nonlocal stopped
        stopped = True
        for loop, task in begun:
            # It may have ended this moment, and its event loop with it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

    running = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(run_work())))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop()
        await _wait_for_end(running)
        raise


async def _wait_for_end(running: asyncio.Future[T]) -> None:
    """Wait for the end of what was stopped, though we be cancelled once more."""
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            continue
    if not running.cancelled():
        running.exception()

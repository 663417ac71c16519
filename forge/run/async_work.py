"""Run async work so that Ctrl-C and SIGTERM end it cleanly."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")


class StopRequested(Exception):
    """The person or the system asked to stop. ``code`` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"stopped by signal {code - 128}")
        self.code = code


def run_interruptible(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work()`` to its end. Raises Stopped after SIGINT or SIGTERM, once it has cleaned up."""
    import asyncio

    return asyncio.run(supervise(work))


async def supervise(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Cancel the work on a signal; a second signal changes nothing while it cleans up."""
    import asyncio

    task = asyncio.ensure_future(work())
    received: list[int] = []

    def stop(number: int) -> None:
        if not received:
            received.append(number)
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if received:
            raise StopRequested(128 + received[0]) from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def as_they_end(
    work: Callable[[Item], Awaitable[T]], items: Iterable[Item], *, at_once: int
) -> AsyncGenerator[T, None]:
    """Yield what comes of each item as it ends, so many at once; leaving early cancels the rest."""
    import asyncio

    slots = asyncio.Semaphore(at_once)

    async def one(item: Item) -> T:
        async with slots:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

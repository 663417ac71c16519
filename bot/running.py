"""Run async work so that Ctrl-C and SIGTERM end it cleanly."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The person or the system asked to stop. ``code`` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"stopped by signal {code - 128}")
        self.code = code


def run_interruptible(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work()`` to its end. Raises Stopped after SIGINT or SIGTERM, once it has cleaned up."""
    return asyncio.run(supervise(work))


async def supervise(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Cancel the work on a signal; a second signal changes nothing while it cleans up."""
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
            raise Stopped(128 + received[0]) from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

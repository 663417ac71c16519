"""Builds that are wanted no longer: what they started is ended, and they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from harness.sandboxes.sandbox import BuildFailed

T = TypeVar("T")


class Stop:
    """Passes on to a build's thread that the build is wanted no longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], object]] = []
        self._asked = False

    def ask(self) -> None:
        """End what runs now, and have nothing begun after it."""
        with self._lock:
            self._asked, ends = True, list(self._ends)
        for end in ends:
            end()

    @contextmanager
    def step(self, end: Callable[[], object]) -> Iterator[None]:
        """Run a step inside the block; ``end`` ends it, called by another thread.

        Raises BuildFailed instead when the build is wanted no longer.
        """
        with self._lock:
            if self._asked:
                raise BuildFailed("stopped", "it is wanted no longer")
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)


STOP: ContextVar[Stop | None] = ContextVar("stop", default=None)
"""That of the build which this thread is about."""


async def stoppable(build: Callable[[], T]) -> T:
    """Run a build in a thread; cancelled, end it, and wait until it has ended."""
    stop = Stop()
    STOP.set(stop)
    building = asyncio.ensure_future(asyncio.to_thread(build))
    try:
        return await asyncio.shield(building)
    except asyncio.CancelledError:
        await asyncio.to_thread(stop.ask)
        await asyncio.gather(building, return_exceptions=True)
        raise


def check_wanted() -> None:
    """Raise BuildFailed where the build that this thread is about is wanted no longer."""
    with step(lambda: None):
        pass


@contextmanager
def step(end: Callable[[], object]) -> Iterator[None]:
    """Run a step of the build that this thread is about; see ``Stop.step``."""
    stop = STOP.get()
    if stop is None:
        yield
        return
    with stop.step(end):
        yield

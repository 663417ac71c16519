"""Work on several things side by side, and have the results in the order of the things."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

MANY = 1000
"""Questions that one batch may hold: the more, the fewer batches have to be waited for."""


async def in_order(
    things: Iterator[Thing], work: Callable[[Thing], Awaitable[Result]], most: Callable[[], int]
) -> AsyncGenerator[Result, None]:
    """Yield what ``work`` gives for each thing; ``most`` says how many may be under way now."""
    waiting: deque[asyncio.Future[Result]] = deque()
    try:
        while True:
            while len(waiting) < max(most(), 1) and (thing := next(things, None)) is not None:
                waiting.append(asyncio.ensure_future(work(thing)))
            if not waiting:
                return
            yield await waiting.popleft()
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

"""Takes deliveries: many that come at once are stored in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

from bot.service.base.store_thread import AsyncStore
from storage.errors import StoreError
from storage.store import Store
from storage.tables.deliveries import Delivery

MOST_AT_ONCE = 200
LONGEST_CALM = 0.1
"""Seconds that other work gives way at most."""


class Inbox:
    """Stores deliveries through a keeper of its own, so that no other work is waited for."""

    def __init__(self, keeper: AsyncStore, *, clock: Callable[[], float] = time.time) -> None:
        self._keeper = keeper
        self._clock = clock
        self._waiting: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._calm = asyncio.Event()
        self._calm.set()

    async def wait_until_calm(self) -> None:
        """Wait until no delivery waits to be stored, or a while: before other work is begun."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_CALM):
                await self._calm.wait()

    async def take(self, delivery: Delivery) -> bool:
        """Return, once the delivery is stored, whether it is news. Raises StoreError."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, stored))
        self._calm.clear()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await stored

    async def _write(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._store(taken)
        finally:
            self._calm.set()

    async def _store(self, taken: list[tuple[Delivery, asyncio.Future[bool]]]) -> None:
        receive = partial(store_deliveries, [delivery for delivery, _ in taken], self._clock())
        try:
            news = await self._keeper(receive)
        except StoreError as error:
            for _, stored in taken:
                if not stored.done():
                    stored.set_exception(error)
            return
        for (_, stored), one in zip(taken, news, strict=True):
            if not stored.done():
                stored.set_result(one)


def store_deliveries(deliveries: list[Delivery], now: float, store: Store) -> list[bool]:
    """Store deliveries, and say of each whether it is news."""
    return store.deliveries.receive(deliveries, now)

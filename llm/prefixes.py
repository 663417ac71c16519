"""Whose turn it is to have a prefix cached, so that calls at the same time do not all pay for it.

A prefix can be read once the answer to the call that wrote it has begun. Of those that share one
which is not cached the first goes alone, and the others wait until then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from llm.breakpoints import TTL
from llm.service import OnBegin

MARGIN = 15.0
"""Seconds before its end at which a prefix is no longer relied on."""


class Prefixes:
    """What is known to be cached, and what is about to be."""

    def __init__(self, clock: Callable[[], float] = time.time, *, ttl: float = TTL) -> None:
        self._clock = clock
        self._kept = ttl - MARGIN
        self._used: dict[str, float] = {}
        self._coming: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, prefixes: Sequence[str]) -> AsyncIterator[OnBegin | None]:
        """Wait until a request with these prefixes may be sent.

        Gives what is to be called when the answer begins, where others may wait for that.
        """
        while (awaited := self._find_awaited(prefixes)) is not None:
            await awaited.wait()
        now = self._clock()
        missing = [prefix for prefix in prefixes if not self._warm(prefix)]
        self._used |= {prefix: now for prefix in prefixes if prefix not in missing}
        if not missing:
            yield None
            return
        event = asyncio.Event()
        self._coming |= dict.fromkeys(missing, event)

        def on_begin() -> None:
            if not event.is_set():
                self._used |= dict.fromkeys(missing, self._clock())
                self._leave(missing, event)

        try:
            yield on_begin
        finally:
            self._leave(missing, event)

    def _find_awaited(self, prefixes: Sequence[str]) -> asyncio.Event | None:
        found = (self._coming.get(prefix) for prefix in prefixes if not self._warm(prefix))
        return next((event for event in found if event is not None), None)

    def _warm(self, prefix: str) -> bool:
        return prefix in self._used and self._clock() - self._used[prefix] < self._kept

    def _leave(self, prefixes: Sequence[str], event: asyncio.Event) -> None:
        if event.is_set():
            return
        event.set()
        for prefix in prefixes:
            del self._coming[prefix]
        self._used = {prefix: used for prefix, used in self._used.items() if self._warm(prefix)}

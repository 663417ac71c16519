"""What a source proposes and what it asks to have judged at once, as one stream for the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

from bot.context import Context, Source
from storage.records import Bug, Verdict

QUEUED = 16
"""Bugs that are ready before the engine asks for them."""


class Proposals:
    """Runs a source beside the engine, so that it can wait for the verdict on a bug of its own."""

    def __init__(
        self, source: Source, context: Context, known: Callable[[Bug], Verdict | None]
    ) -> None:
        self._source = source
        self._context = replace(context, judge=self.judge)
        self._known = known
        self._queue: asyncio.Queue[Bug | None] = asyncio.Queue(maxsize=QUEUED)
        self._asked: dict[str, list[asyncio.Future[Verdict]]] = {}

    async def judge(self, bug: Bug) -> Verdict:
        """Have a bug judged next, and return the verdict: a stored one, if there is one."""
        verdict = self._known(bug)
        if verdict is not None:
            return verdict
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(bug.id, []).append(future)
        await self._queue.put(bug)
        return await future

    def tell(self, verdict: Verdict) -> None:
        """Pass a verdict on to whoever waits for it."""
        for future in self._asked.pop(verdict.bug, []):
            if not future.done():
                future.set_result(verdict)

    async def bugs(self) -> AsyncIterator[Bug]:
        """Yield what is to be judged, until the source has no more."""
        pump = asyncio.ensure_future(self._pump())
        try:
            while (bug := await self._queue.get()) is not None:
                yield bug
            await pump
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self) -> None:
        """Run the source to its end. When it is cancelled nobody listens any more."""
        try:
            async with aclosing(self._source(self._context)) as bugs:  # type: ignore[type-var]
                async for bug in bugs:
                    await self._queue.put(bug)
        except Exception:
            await self._queue.put(None)
            raise
        await self._queue.put(None)

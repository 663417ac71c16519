"""What a source proposes and what it asks to have judged at once, as one stream for the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from forge.run.context import Context, Source, Verified
from storage.records import Bug, Verdict

QUEUED = 16
"""Bugs that are ready before the engine asks for them."""


@dataclass(frozen=True, slots=True)
class ProposedBug:
    """A bug to judge. One that is only asked about becomes no task."""

    bug: Bug
    asked: bool


class Proposals:
    """Runs a source beside the engine, so that it can wait for the verdict on a bug of its own.

    ``known`` gives the verdict that a bug has already, ``verified`` all valid bugs so far. Whoever
    takes the proposals has to ``tell`` of each verdict, and to ``drop`` what needs none.
    """

    def __init__(
        self,
        source: Source,
        context: Context,
        find_verdict: Callable[[Bug], Verdict | None],
        list_valid: Callable[[], list[Verified]],
    ) -> None:
        self._source = source
        self._context = replace(context, judge=self.judge, wait_for_valid=self.wait_for_valid)
        self._find_verdict = find_verdict
        self._list_valid = list_valid
        self._queue: asyncio.Queue[ProposedBug | None] = asyncio.Queue(maxsize=QUEUED)
        self._asked: dict[str, list[asyncio.Future[Verdict]]] = {}
        self._pending: set[str] = set()
        self._settled = asyncio.Event()

    async def judge(self, bug: Bug) -> Verdict:
        """Have a bug judged next, and return the verdict: a stored one, if there is one."""
        verdict = self._find_verdict(bug)
        if verdict is not None:
            return verdict
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(bug.id, []).append(future)
        await self._enqueue(bug, asked=True)
        return await future

    async def wait_for_valid(self) -> list[Verified]:
        """Wait until all that was proposed is judged, and return what is valid."""
        while self._pending:
            self._settled.clear()
            await self._settled.wait()
        return self._list_valid()

    def deliver_verdict(self, verdict: Verdict) -> None:
        """Pass a verdict on to whoever waits for it."""
        for future in self._asked.pop(verdict.bug, []):
            if not future.done():
                future.set_result(verdict)
        self.drop(verdict.bug)

    def drop(self, bug: str) -> None:
        """Take note that a bug is done with."""
        self._pending.discard(bug)
        if not self._pending:
            self._settled.set()

    async def bugs(self) -> AsyncGenerator[ProposedBug, None]:
        """Yield what is to be judged, until the source has no more."""
        pump = asyncio.ensure_future(self._pump())
        try:
            while (proposal := await self._queue.get()) is not None:
                yield proposal
            await pump
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _enqueue(self, bug: Bug, *, asked: bool) -> None:
        self._pending.add(bug.id)
        await self._queue.put(ProposedBug(bug, asked))

    async def _pump(self) -> None:
        """Run the source to its end. When it is cancelled nobody listens any more."""
        try:
            async with aclosing(self._source(self._context)) as bugs:
                async for bug in bugs:
                    await self._enqueue(bug, asked=False)
        except Exception:
            await self._queue.put(None)
            raise
        await self._queue.put(None)

"""A model whose questions are gathered and sent in batches: the same interface, half the price.

Who asks has to ask many things at the same time: each waits until the batch has ended, which may
take a day, or is told at once that it was submitted. A later run that asks the same finds it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from llm.batches import Batcher
from llm.client import Model
from llm.errors import BudgetSpent, NotAnswered, Submitted
from llm.patience import Sleep
from llm.questions import PreparedQuestion
from storage.records import ModelBatch, ModelCall
from storage.tables.calls import ModelCalls

LINGER = 2.0
"""Seconds without a new question after which those there are are sent."""
MOST_LINGERS = 30
"""How often that is waited for while new ones come."""
POLL = 60.0
"""Seconds between two looks at what has ended."""
REMEDY: Mapping[str, str] = {
    "errored": "the model's service refused it in a batch",
    "expired": "the batch's time was over before its turn; ask again",
    "canceled": "the batch was canceled before its turn; ask again",
    "lost": "the batch has ended and its results are no longer there",
}


class BatchQueue:
    """Questions that wait for a batch to be sent or to end."""

    def __init__(
        self,
        batcher: Batcher,
        calls: ModelCalls,
        *,
        wait: bool = True,
        linger: float = LINGER,
        poll: float = POLL,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._batcher = batcher
        self._calls = calls
        self._wait = wait
        self._linger = linger
        self._poll = poll
        self._sleep = sleep
        self._asked: dict[str, tuple[PreparedQuestion, asyncio.Future[ModelCall]]] = {}
        self._sent: set[str] = set()
        self._work: asyncio.Task[None] | None = None
        self._new = asyncio.Event()

    async def answer(self, prepared: PreparedQuestion) -> ModelCall:
        """Return the call that answers a question. Raises Submitted when that is not waited for."""
        future: asyncio.Future[ModelCall] = asyncio.get_running_loop().create_future()
        self._asked[prepared.key] = (prepared, future)
        self._new.set()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run_batches())
        try:
            return await future
        finally:
            self._asked.pop(prepared.key, None)
            if not self._asked and self._work is not None:
                self._work.cancel()
                self._work = None

    async def _run_batches(self) -> None:
        try:
            while self._asked:
                await self._gather()
                await self._batcher.recover()
                await self._submit()
                self._deliver_answers(await self._batcher.collect())
                if self._asked:
                    await self._idle()
        except Exception as error:
            for _, future in self._asked.values():
                if not future.done():
                    future.set_exception(error)

    async def _gather(self) -> None:
        """Wait while new questions come."""
        for _ in range(MOST_LINGERS):
            self._new.clear()
            await self._sleep(self._linger)
            if not self._new.is_set():
                return

    async def _idle(self) -> None:
        """Wait until it is time to look again, or something new is asked."""
        waits = [
            asyncio.ensure_future(self._sleep(self._poll)),
            asyncio.create_task(self._new.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _submit(self) -> None:
        """Send what is in no batch; tell those for whom the budget does not suffice."""
        self._sent |= self._open() & self._asked.keys()
        new = [each for key, (each, _) in self._asked.items() if key not in self._sent]
        spent = await self._batcher.submit(new)
        self._sent |= self._open()
        if spent is not None:
            for each in new:
                if each.key not in self._sent:
                    self._fail(each.key, BudgetSpent(str(spent)))

    def _deliver_answers(self, waiting: list[ModelBatch]) -> None:
        """Give everybody what is known."""
        names = {each.key: batch.name for batch in waiting for each in batch.requests}
        for key, (_, future) in list(self._asked.items()):
            call = self._calls.get(key)
            if future.done() or key not in self._sent:
                continue
            if call is not None:
                future.set_result(call)
            elif key not in names:
                self._fail_unanswered(key)
            elif not self._wait:
                self._fail(key, Submitted(f"in batch {names[key]}; the same command goes on later"))

    def _fail_unanswered(self, key: str) -> None:
        request = self._batcher.store.request(key)
        self._sent.discard(key)
        if request is not None and request.outcome:
            words = f"{REMEDY[request.outcome]} {request.detail}".strip()
            self._fail(key, NotAnswered(words, request.outcome))

    def _fail(self, key: str, error: Exception) -> None:
        future = self._asked[key][1]
        if not future.done():
            future.set_exception(error)

    def _open(self) -> set[str]:
        return {each.key for batch in self._batcher.store.open() for each in batch.requests}


@dataclass(frozen=True, kw_only=True)
class BatchModel(Model):
    """A model that is asked in batches."""

    queue: BatchQueue

    @property
    def waits_for_many(self) -> bool:
        return True

    async def _obtain(self, prepared: PreparedQuestion) -> ModelCall:
        return await self.queue.answer(prepared)

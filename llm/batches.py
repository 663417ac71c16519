"""Send many requests together, at half the price, and collect the answers later.

https://platform.claude.com/docs/en/build-with-claude/batch-processing

A batch is stored before it is sent and named when the service has answered. What was killed in
between is looked for in the service's own list, by its time and its number of requests, and known
by the keys its results bear: so nothing is sent twice, and nothing that was paid is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import anthropic
import httpx2
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from llm.budget import Budget
from llm.claude import make_failure, make_lost_failure, reply_of
from llm.errors import BudgetSpent
from llm.failures import Failed
from llm.patience import Sleep, send_with_retries
from llm.prices import Price, compute_cost, worst_case
from llm.questions import PreparedQuestion
from storage.errors import ModelError
from storage.records import BatchedRequest, Hold, ModelBatch, ModelCall
from storage.tables.batches import Batches

MOST_REQUESTS = 10_000
MOST_CHARACTERS = 100_000_000
"""Of one batch; the service takes 100,000 requests and 256 MB."""
SKEW = timedelta(minutes=10)
"""How far the clocks may differ."""
PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Batcher:
    """Sends requests to one service in batches, and keeps what comes of them."""

    client: anthropic.AsyncAnthropic
    price: Price
    budget: Budget
    store: Batches
    sleep: Sleep

    async def submit(self, prepared: Sequence[PreparedQuestion]) -> BudgetSpent | None:
        """Send requests that are in no batch yet. Return why some were not, if so.

        Raises ModelError when the service does not take them.
        """
        for part in parts(prepared):
            spent = await self._submit(part)
            if spent is not None:
                return spent
        return None

    async def _submit(self, prepared: Sequence[tuple[PreparedQuestion, int]]) -> BudgetSpent | None:
        model = prepared[0][0].request["model"]
        batch = ModelBatch(id=uuid4().hex, model=model, created=self.budget.now())
        limits = {
            limit.scope + limit.of: limit
            for each, _ in prepared
            for limit in self.budget.limits(each.ask.repository)
        }
        made = [self._make_request(each, characters) for each, characters in prepared]
        batch, met = self.store.intend(batch, made, list(limits.values()))
        if batch.requests:
            bodies = {each.key: each.request for each, _ in prepared}
            await self._send(batch, [(r.key, bodies[r.key]) for r in batch.requests])
        return (
            None
            if met is None
            else self.budget.make_budget_error(met, max(h.dollars for _, h in made))
        )

    def _make_request(
        self, prepared: PreparedQuestion, characters: int
    ) -> tuple[BatchedRequest, Hold]:
        ask = prepared.ask
        worst = worst_case(self.price, characters, prepared.request["max_tokens"], batch=True)
        hold = self.budget.make_hold(worst, key=prepared.key, repository=ask.repository)
        request = BatchedRequest(
            key=prepared.key,
            hold=hold.id,
            tool=ask.tool.name,
            purpose=ask.purpose,
            repository=ask.repository,
            strategy=ask.strategy,
            run=hold.run,
            created=hold.created,
        )
        return request, hold

    async def _send(self, batch: ModelBatch, bodies: Sequence[tuple[str, Any]]) -> None:
        """Send a batch, unless a try that seemed to fail has in fact done it."""
        requests: Any = [{"custom_id": key, "params": dict(body)} for key, body in bodies]

        async def send() -> str:
            found = await self._find_batch(batch) if tried else None
            if found is not None:
                return found.id
            tried.append(True)
            try:
                return (await self.client.messages.batches.create(requests=requests)).id
            except anthropic.APIError as error:
                raise make_failure(error) from error

        tried: list[bool] = []
        try:
            name = await send_with_retries(send, self.sleep)
        except ModelError as error:
            # What was refused did not arrive; of anything else that is not known.
            if isinstance(error.__cause__, Failed) and not may_have_arrived(error.__cause__):
                self.store.forget(batch)
            raise
        self.store.record_name(batch.id, name)

    async def recover(self) -> None:
        """Find what was sent before its name could be kept; forget what never arrived."""
        for batch in self.store.open():
            if not batch.name:
                found = await send_with_retries(partial(self._find_batch, batch), self.sleep)
                if found is None:
                    self.store.forget(batch)
                else:
                    self.store.record_name(batch.id, found.id, batch.rejected)

    async def _find_batch(self, batch: ModelBatch) -> MessageBatch | None:
        """Return what may be this batch in the service's list: unknown, as large and as old."""
        since = datetime.fromisoformat(batch.created) - SKEW
        known = self.store.names() | set(batch.rejected)
        try:
            async for each in self.client.messages.batches.list(limit=PAGE):
                if each.created_at < since:
                    return None
                if each.id not in known and size(each) == len(batch.requests):
                    return each
        except anthropic.APIError as error:
            raise make_failure(error) from error
        return None

    async def collect(self) -> list[ModelBatch]:
        """Keep the results of the batches that have ended; return those that have not."""
        waiting = []
        for batch in self.store.open():
            if not await send_with_retries(partial(self._collect_batch, batch), self.sleep):
                waiting.append(batch)
        return waiting

    async def _collect_batch(self, batch: ModelBatch) -> bool:
        if not batch.name:
            return False
        try:
            state = await self.client.messages.batches.retrieve(batch.name)
            if state.processing_status != "ended":
                return False
            found = {}
            if state.results_url is not None:
                results = await self.client.messages.batches.results(batch.name)
                found = {result.custom_id: result async for result in results}
        except anthropic.NotFoundError:
            found = {}
        except anthropic.APIError as error:
            raise make_failure(error) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise make_lost_failure() from error
        if found and found.keys() != {request.key for request in batch.requests}:
            self.store.record_name(batch.id, "", (*batch.rejected, batch.name))
            await self.recover()
            return False
        came = [self._read_result(batch, each, found.get(each.key)) for each in batch.requests]
        self.store.record_results(batch, came)
        return True

    def _read_result(
        self,
        batch: ModelBatch,
        request: BatchedRequest,
        response: MessageBatchIndividualResponse | None,
    ) -> tuple[BatchedRequest, ModelCall | None]:
        """Return what a result means. Results that are gone were paid, as far as is known."""
        if response is None:
            return replace(request, outcome="lost", detail="the service has no results"), None
        result = response.result
        if result.type != "succeeded":
            detail = ""
            if result.type == "errored":
                detail = f"{result.error.error.type}: {result.error.error.message}"
            return replace(request, outcome=result.type, detail=detail), None
        reply = reply_of(result.message, request.tool)
        tokens = reply.tokens
        call = ModelCall(
            key=request.key,
            model=batch.model,
            purpose=request.purpose,
            answer=json.dumps(reply.given),
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_write_tokens=tokens.cache_write,
            cache_read_tokens=tokens.cache_read,
            dollars=compute_cost(self.price, tokens, batch=True),
            seconds=0.0,
            created=request.created,
            repository=request.repository,
            strategy=request.strategy,
            run=request.run,
            batch=batch.name,
        )
        return replace(request, outcome="succeeded"), call

    async def cancel(self) -> None:
        """Ask the service to stop what has not ended; what is done by then is still collected."""
        for batch in self.store.open():
            if batch.name:
                await self.client.messages.batches.cancel(batch.name)


def parts(prepared: Sequence[PreparedQuestion]) -> list[list[tuple[PreparedQuestion, int]]]:
    """Return requests, with their lengths, in parts that a batch can hold."""
    found: list[list[tuple[PreparedQuestion, int]]] = []
    room = 0
    for each in prepared:
        characters = each.characters
        if not found or len(found[-1]) == MOST_REQUESTS or characters > room:
            found.append([])
            room = MOST_CHARACTERS
        found[-1].append((each, characters))
        room -= characters
    return found


def size(batch: MessageBatch) -> int:
    """Return of how many requests a batch is."""
    counts = batch.request_counts
    done = counts.succeeded + counts.errored + counts.canceled + counts.expired
    return counts.processing + done


def may_have_arrived(failed: Failed) -> bool:
    """Say whether a request may have had its effect, though no good answer came."""
    return failed.billed or failed.again

"""Ask a language model for a structured answer, within a budget, and never pay twice for one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from llm.answers import Reply, answer_of
from llm.budget import Budget
from llm.failures import Failed
from llm.models import DEFAULT_MODEL
from llm.once import Once
from llm.patience import Sleep, send_with_retries
from llm.prefixes import Prefixes
from llm.prices import Price, compute_cost, worst_case
from llm.questions import MAX_OUTPUT, Ask, PreparedQuestion, Tool, blocks
from llm.service import Service
from storage.records import Hold, ModelCall
from storage.tables.calls import ModelCalls

__all__ = ["DEFAULT_MODEL", "Model", "Tool"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model with a budget. Text of repositories goes into ``prompt`` and ``shared``, as data.

    ``within`` gives the same model for another repository or strategy, under the same budget.
    """

    service: Service
    price: Price
    budget: Budget
    calls: ModelCalls
    repository: str = ""
    strategy: str = ""
    sleep: Sleep = asyncio.sleep
    once: Once[ModelCall] = field(default_factory=Once)
    prefixes: Prefixes = field(default_factory=Prefixes)

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def waits_for_many(self) -> bool:
        """Whether calls are gathered: then as many as there are should be asked at once."""
        return False

    def within(self, *, repository: str | None = None, strategy: str | None = None) -> Self:
        """Return this model, with what it spends counted for a repository or a strategy."""
        return replace(
            self,
            repository=self.repository if repository is None else repository,
            strategy=self.strategy if strategy is None else strategy,
        )

    async def ask(
        self,
        *,
        purpose: str,
        system: str,
        prompt: str,
        tool: Tool,
        shared: str | Sequence[str] = (),
        max_output: int = MAX_OUTPUT,
        strategy: str | None = None,
    ) -> dict[str, Any]:
        """Return the model's answer in the form of ``tool``.

        ``shared`` comes before the prompt, the part that most calls have in common first: each is
        cached for the calls that follow with the same. An identical request is answered from the
        store. The worst case of a call is set aside before it is sent. Raises ModelError, by its
        kind: BudgetSpent, Overloaded, Declined, MalformedAnswer, or plain when the service
        refuses or cannot be reached.
        """
        ask = Ask(
            purpose=purpose,
            system=system,
            prompt=prompt,
            tool=tool,
            shared=blocks(shared),
            max_output=max_output,
            strategy=strategy or "",
        )
        return await self.answer_ask(ask)

    async def answer_ask(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a question that is made already, as ``ask`` does."""
        mine = replace(ask, repository=self.repository, strategy=ask.strategy or self.strategy)
        return answer_of(await self.call(mine), ask.tool)

    async def call(self, ask: Ask) -> ModelCall:
        """Return the call that answers a question: a stored one, or one that is made now."""
        prepared = PreparedQuestion(ask=ask, request=self.service.request(ask))

        async def obtain() -> ModelCall:
            return self.calls.get(prepared.key) or await self._obtain(prepared)

        return await self.once.do(prepared.key, obtain)

    async def _obtain(self, prepared: PreparedQuestion) -> ModelCall:
        return await send_with_retries(lambda: self._attempt(prepared), self.sleep)

    async def _attempt(self, prepared: PreparedQuestion) -> ModelCall:
        """Send a request once. What was cut off keeps its hold: it may have been paid."""
        request = prepared.request
        async with self.prefixes.turn(self.service.prefixes(request)) as begun:
            worst = self.worst_case(prepared)
            hold = self.budget.hold(worst, key=prepared.key, repository=prepared.ask.repository)
            started = time.monotonic()
            try:
                reply = await self.service.send(request, begun)
            except Failed as error:
                if not error.billed:
                    self.calls.release(hold.id)
                raise
            if begun is not None:
                begun()
        call = self.make_call_record(prepared, hold, reply, time.monotonic() - started)
        self.calls.settle(hold.id, call)
        return call

    def worst_case(self, prepared: PreparedQuestion, *, batch: bool = False) -> float:
        """Return the most that a request can cost, in dollars."""
        most = self.service.max_output(prepared.request)
        return worst_case(self.price, prepared.characters, most, batch=batch)

    def make_call_record(
        self, prepared: PreparedQuestion, hold: Hold, reply: Reply, seconds: float
    ) -> ModelCall:
        """Return the record of a call. Its time is that of the hold, so that no month is passed."""
        ask, tokens = prepared.ask, reply.tokens
        return ModelCall(
            key=prepared.key,
            model=self.name,
            purpose=ask.purpose,
            answer=json.dumps(reply.given),
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_write_tokens=tokens.cache_write,
            cache_read_tokens=tokens.cache_read,
            dollars=compute_cost(self.price, tokens),
            seconds=round(seconds, 3),
            created=hold.created,
            repository=ask.repository,
            strategy=ask.strategy,
            run=hold.run,
        )

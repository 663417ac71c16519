"""Ask a language model for a structured answer, within a budget, and never pay twice for one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
from anthropic.types import Message

from llm.prices import Price, Tokens, cost, worst_case
from storage.errors import ModelError
from storage.records import ModelCall, digest

DEFAULT_MODEL = "claude-sonnet-4-6"
MAX_OUTPUT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The form of an answer: what the model fills in. ``schema`` is a JSON schema of an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where calls are kept: found again by the digest of what was asked."""

    find: Callable[[str], ModelCall | None]
    keep: Callable[[ModelCall], None]


class Model:
    """One model with a budget. Text of repositories goes into ``prompt``, as data."""

    def __init__(
        self,
        client: anthropic.AsyncAnthropic,
        *,
        name: str,
        price: Price,
        budget: float,
        ledger: Ledger,
    ) -> None:
        self.name = name
        self._client = client
        self._price = price
        self._left = budget
        self._ledger = ledger

    async def ask(self, *, purpose: str, system: str, prompt: str, tool: Tool) -> dict[str, Any]:
        """Return the model's answer in the form of ``tool``.

        An identical request is answered from the ledger. The worst case of a call is reserved
        before it is sent. Raises ModelError when the budget does not allow the call, the service
        refuses it, or the answer does not have the form.
        """
        request = {
            "model": self.name,
            "max_tokens": MAX_OUTPUT,
            "system": system,
            "messages": [{"role": "user", "content": prompt}],
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": dict(tool.schema),
                }
            ],
            "tool_choice": {"type": "tool", "name": tool.name},
        }
        key = digest(json.dumps(request, sort_keys=True))
        stored = self._ledger.find(key)
        if stored is not None:
            return answer_of(stored)
        reserved = worst_case(self._price, len(json.dumps(request)), MAX_OUTPUT)
        if reserved > self._left:
            raise ModelError(
                f"the model's budget is spent: ${self._left:.2f} left, a call may cost "
                f"${reserved:.2f}"
            )
        self._left -= reserved
        started = time.monotonic()
        spent = 0.0
        try:
            message = await self._send(request)
            tokens = tokens_of(message)
            spent = cost(self._price, tokens)
        finally:
            self._left += reserved - spent
        call = ModelCall(
            key=key,
            model=self.name,
            purpose=purpose,
            answer=json.dumps(given_to(message, tool.name)),
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_write_tokens=tokens.cache_write,
            cache_read_tokens=tokens.cache_read,
            dollars=spent,
            seconds=round(time.monotonic() - started, 3),
        )
        self._ledger.keep(call)
        return answer_of(call)

    async def _send(self, request: Mapping[str, Any]) -> Message:
        try:
            message: Message = await self._client.messages.create(**request)
        except anthropic.APIStatusError as error:
            raise ModelError(f"the model's service refused: {error.status_code}") from error
        except anthropic.APIConnectionError as error:
            raise ModelError("the model's service cannot be reached") from error
        return message


def tokens_of(message: Message) -> Tokens:
    """Return the tokens a message was billed for."""
    usage = message.usage
    return Tokens(
        input=usage.input_tokens,
        output=usage.output_tokens,
        cache_write=usage.cache_creation_input_tokens or 0,
        cache_read=usage.cache_read_input_tokens or 0,
    )


def given_to(message: Message, tool: str) -> Any:
    """Return what the model filled in; None when it did not."""
    if message.stop_reason == "max_tokens":
        return None
    return next((b.input for b in message.content if b.type == "tool_use" and b.name == tool), None)


def answer_of(call: ModelCall) -> dict[str, Any]:
    """Return a stored call's answer. Raises ModelError when it was none."""
    answer = json.loads(call.answer)
    if not isinstance(answer, dict):
        raise ModelError("the model's answer does not have the form that was asked for")
    return answer

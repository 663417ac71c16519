"""Ask a language model for a structured answer, within a budget, and never pay twice for one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
from anthropic.types import Message
from jsonschema import Draft202012Validator

from llm.errors import BudgetSpent, Declined, MalformedAnswer
from llm.patience import Sleep, patiently
from llm.prices import Price, Tokens, cost, worst_case
from storage.records import ModelCall, digest

DEFAULT_MODEL = "claude-sonnet-4-6"
MAX_OUTPUT = 4096
SAID_LIMIT = 1000
CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})
"""Ways to stop that leave an answer unfinished."""


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
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self._client = client.with_options(max_retries=0)
        self._price = price
        self._left = budget
        self._ledger = ledger
        self._sleep = sleep

    async def ask(
        self, *, purpose: str, system: str, prompt: str, tool: Tool, shared: str = ""
    ) -> dict[str, Any]:
        """Return the model's answer in the form of ``tool``.

        ``shared`` comes before the prompt, and is cached for the calls that follow with the same.
        An identical request is answered from the ledger. The worst case of a call is reserved
        before it is sent. Raises ModelError, by its kind: BudgetSpent, Overloaded, Declined,
        MalformedAnswer, or plain when the service refuses or cannot be reached.
        """
        request = {
            "model": self.name,
            "max_tokens": MAX_OUTPUT,
            "system": system,
            "messages": [{"role": "user", "content": content(prompt, shared)}],
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
            return answer_of(stored, tool)
        reserved = worst_case(self._price, len(json.dumps(request)), MAX_OUTPUT)
        if reserved > self._left:
            raise BudgetSpent(
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
        return answer_of(call, tool)

    async def _send(self, request: Mapping[str, Any]) -> Message:
        async def send() -> Message:
            message: Message = await self._client.messages.create(**request)
            return message

        return await patiently(send, self._sleep)


def content(prompt: str, shared: str) -> str | list[dict[str, Any]]:
    """What the model is told. https://docs.claude.com/en/docs/build-with-claude/prompt-caching"""
    if not shared:
        return prompt
    cached = {"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}}
    return [cached, {"type": "text", "text": prompt}]


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
    """Return what the model filled in; what it said instead; None when it did neither."""
    said = " ".join(b.text for b in message.content if b.type == "text")
    said = " ".join(said.split())[:SAID_LIMIT]
    if message.stop_reason == "refusal":
        return said or "it gave no reason"
    if message.stop_reason in CUT_OFF:
        return None
    used = (b.input for b in message.content if b.type == "tool_use" and b.name == tool)
    return next(used, said or None)


def answer_of(call: ModelCall, tool: Tool) -> dict[str, Any]:
    """Return a stored call's answer. Raises Declined or MalformedAnswer when it was none."""
    answer = json.loads(call.answer)
    if isinstance(answer, str):
        raise Declined(f"the model declined: {answer[:200]}")
    if not isinstance(answer, dict):
        raise MalformedAnswer("the model's answer does not have the form: it is not complete")
    wrong = next(Draft202012Validator(tool.schema).iter_errors(answer), None)
    if wrong is not None:
        what = " ".join(wrong.message.split())
        raise MalformedAnswer(
            f"the model's answer does not have the form: {wrong.json_path}: {what[:300]}"
        )
    return answer

"""Models behind the Messages API, through the ``anthropic`` SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from llm.answers import Reply, join_texts
from llm.breakpoints import breakpoints
from llm.failures import Failed, make_status_failure
from llm.models import traits
from llm.prices import Tokens
from llm.questions import LONG_OUTPUT, Ask
from llm.service import OnBegin
from llm.streams import assemble_message
from storage.records import digest

CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})
"""Ways to stop that leave an answer unfinished."""
CACHED: Mapping[str, str] = {"type": "ephemeral"}
STATUS: Mapping[str, int] = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "api_error": 500,
}
"""Of the errors that can come in the middle of an answer, whose own status is 200."""
USE_TOOL = "Answer with one call of the tool `{}`, and with nothing else."


class Claude:
    """One model of the Messages API."""

    def __init__(self, client: anthropic.AsyncAnthropic, name: str) -> None:
        self.name = name
        self.client = client.with_options(max_retries=0)
        self._traits = traits(name)

    def request(self, ask: Ask) -> Mapping[str, Any]:
        """Return the body of a request. Models that refuse a forced tool are told to use it."""
        tool = {
            "name": ask.tool.name,
            "description": ask.tool.description,
            "input_schema": dict(ask.tool.schema),
        }
        forced = {"type": "tool", "name": ask.tool.name}
        system = ask.system
        if not self._traits.forced:
            forced = {"type": "auto"}
            system = f"{system}\n\n{USE_TOOL.format(ask.tool.name)}"
        before = len(json.dumps(tool)) + len(system)
        return {
            "model": self.name,
            "max_tokens": ask.max_output + self._traits.thought,
            "system": system,
            "messages": [{"role": "user", "content": self._content(ask, before)}],
            "tools": [tool],
            "tool_choice": forced,
            **self._traits.extra,
        }

    def _content(self, ask: Ask, before: int) -> str | list[dict[str, Any]]:
        if not ask.shared:
            return ask.prompt
        marked = breakpoints(before, ask.shared, self._traits.least_cached)
        content: list[dict[str, Any]] = [{"type": "text", "text": text} for text in ask.shared]
        for index in marked:
            content[index]["cache_control"] = dict(CACHED)
        return [*content, {"type": "text", "text": ask.prompt}]

    def max_output(self, request: Mapping[str, Any]) -> int:
        """Return the most tokens of an answer, thinking included."""
        return int(request["max_tokens"])

    def prefixes(self, request: Mapping[str, Any]) -> Sequence[str]:
        """Return the digests of what comes up to each mark."""
        content = request["messages"][0]["content"]
        if isinstance(content, str):
            return ()
        so_far = digest(json.dumps({**request, "messages": []}, sort_keys=True))
        found = []
        for block in content:
            so_far = digest(so_far, block["text"])
            if "cache_control" in block:
                found.append(so_far)
        return found

    async def send(self, request: Mapping[str, Any], on_begin: OnBegin | None = None) -> Reply:
        """Send a request once; the answer is streamed when it may be long or is waited for."""
        try:
            if on_begin is None and request["max_tokens"] < LONG_OUTPUT:
                message = await self.client.messages.create(**request)
            else:
                message = await self._stream_message(request, on_begin)
        except anthropic.APIError as error:
            raise make_failure(error) from error
        except httpx2.HTTPError as error:
            raise make_lost_failure() from error
        except ValueError as error:
            raise Failed(f"the model's answer cannot be read: {error}", billed=True) from error
        return reply_of(message, request["tools"][0]["name"])

    async def _stream_message(
        self, request: Mapping[str, Any], on_begin: OnBegin | None
    ) -> Message:
        stream = await self.client.messages.create(**request, stream=True)
        async with stream:
            message = await assemble_message(stream.__aiter__(), on_begin)
        if message is None:
            raise make_lost_failure()
        return message


def make_lost_failure() -> Failed:
    """The failure of an answer that broke off: what there was of it is paid."""
    return Failed("the model's answer broke off", again=True, billed=True)


def make_failure(error: anthropic.APIError) -> Failed:
    """Return what an error of the SDK means."""
    # What timed out may have been worked on, and would be paid twice.
    if isinstance(error, anthropic.APITimeoutError):
        return Failed("the model's service did not answer in time", billed=True)
    if isinstance(error, anthropic.APIStatusError):
        kind, message = read_error_body(error.body)
        detail = f"{kind} {message}"
        if error.status_code == 200:
            broken = make_status_failure(STATUS.get(kind, 400 if kind else 500), {}, detail)
            broken.billed = True
            return broken
        return make_status_failure(error.status_code, error.response.headers, detail)
    if isinstance(error, anthropic.APIConnectionError):
        unsent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        said_so = "the model's service cannot be reached"
        return Failed(said_so, again=True, billed=not unsent)
    return Failed(f"the model's answer cannot be read: {error.message}", billed=True)


def read_error_body(body: object) -> tuple[str, str]:
    """Return kind and message of an error, empty where it has none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type", "")), str(error.get("message", ""))


def reply_of(message: Message, tool: str) -> Reply:
    """Return a message as what it says and what it was billed for."""
    usage = message.usage
    tokens = Tokens(
        input=usage.input_tokens,
        output=usage.output_tokens,
        cache_write=usage.cache_creation_input_tokens or 0,
        cache_read=usage.cache_read_input_tokens or 0,
    )
    return Reply(given=given_to(message, tool), tokens=tokens)


def given_to(message: Message, tool: str) -> Any:
    """Return what the model filled in; what it said instead; None when it did neither."""
    words = join_texts(block.text for block in message.content if block.type == "text")
    if message.stop_reason == "refusal":
        return words or "it gave no reason"
    if message.stop_reason in CUT_OFF:
        return None
    used = (b.input for b in message.content if b.type == "tool_use" and b.name == tool)
    return next(used, words or None)

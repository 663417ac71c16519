"""Models behind an OpenAI-compatible endpoint, as vLLM and Ollama offer: chat completions.

What many calls share stands first, which is all that the prefix caches of such servers need.
https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from llm.answers import Reply, join_texts
from llm.failures import Failed, make_status_failure
from llm.prices import Tokens
from llm.questions import Ask
from llm.service import OnBegin

TIMEOUT = 600.0
"""Seconds for a whole answer; a model on one's own machine may be slow."""
CUT_OFF = "length"
FILTERED = "content_filter"


class Compatible:
    """One model of an endpoint. ``url`` is its base, as ``http://localhost:8000/v1``."""

    def __init__(self, url: str, name: str, *, key: str = "", timeout: float = TIMEOUT) -> None:
        self.name = name
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    def request(self, ask: Ask) -> Mapping[str, Any]:
        """Return the body of a request."""
        function = {
            "name": ask.tool.name,
            "description": ask.tool.description,
            "parameters": dict(ask.tool.schema),
        }
        return {
            "model": self.name,
            "max_tokens": ask.max_output,
            "messages": [
                {"role": "system", "content": ask.system},
                {"role": "user", "content": "\n\n".join([*ask.shared, ask.prompt])},
            ],
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": ask.tool.name}},
        }

    def max_output(self, request: Mapping[str, Any]) -> int:
        """Return the most tokens of an answer."""
        return int(request["max_tokens"])

    def prefixes(self, request: Mapping[str, Any]) -> Sequence[str]:
        """Return nothing: no prefix costs more the first time, so nobody needs to wait."""
        return ()

    async def send(self, request: Mapping[str, Any], on_begin: OnBegin | None = None) -> Reply:
        """Send a request once. Raises Failed."""
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=self._headers) as session,
                session.post(self._url, json=dict(request)) as response,
            ):
                text = await response.text("utf-8", "replace")
                if response.status != 200:
                    raise make_status_failure(response.status, response.headers, wrong(text))
        except aiohttp.ClientConnectorError as error:
            raise Failed("the model's service cannot be reached", again=True) from error
        except TimeoutError as error:
            raise Failed("the model's service did not answer in time", billed=True) from error
        except aiohttp.ClientError as error:
            raise Failed("the model's answer broke off", again=True, billed=True) from error
        try:
            return reply_of(json.loads(text), request["tools"][0]["function"]["name"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise Failed("the model's answer is no chat completion", billed=True) from error


def reply_of(body: Mapping[str, Any], tool: str) -> Reply:
    """Return a chat completion as what it says and the tokens it took."""
    usage = body.get("usage") or {}
    cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    tokens = Tokens(
        input=int(usage.get("prompt_tokens", 0)) - cached,
        output=int(usage.get("completion_tokens", 0)),
        cache_read=cached,
    )
    return Reply(given=given_to(body["choices"][0], tool), tokens=tokens)


def given_to(choice: Mapping[str, Any], tool: str) -> Any:
    """Return what the model filled in; what it said instead; None when it did neither."""
    message = choice["message"]
    words = join_texts(part for part in (message.get("refusal"), message.get("content")) if part)
    if choice.get("finish_reason") == FILTERED or message.get("refusal"):
        return words or "it gave no reason"
    if choice.get("finish_reason") == CUT_OFF:
        return None
    for call in message.get("tool_calls") or ():
        if call["function"]["name"] == tool:
            return arguments(call["function"]["arguments"])
    return words or None


def arguments(given: Any) -> Any:
    """Return a function's arguments: JSON in a string, as an object by some; None for neither."""
    try:
        read = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def wrong(text: str) -> str:
    """Return what an error says, whichever way the server puts it."""
    try:
        body = json.loads(text)
    except ValueError:
        return text
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)

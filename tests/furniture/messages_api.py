"""A local server that speaks the Messages API with scripted answers, for the real SDK.

It may not invent: what it answers is checked against the SDK's own types, what it refuses is what
the API is documented to refuse, and the tokens it bills are counted from what was really sent.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.furniture.message_events import events
from tests.furniture.prompt_cache import PromptCache, TooManyBreakpoints, Usage

if TYPE_CHECKING:
    # The SDK takes seconds to import: only what asks a model waits for it.
    import anthropic

UNFORCED = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1", "claude-mythos-5-1")
"""Models that answer 400 when a tool is forced, or when thinking is disabled."""
KINDS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
LIMITS: Mapping[str, str] = {
    "request-id": "req_1",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """An answer of which more than its content matters."""

    content: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stop_reason: str = ""
    output_tokens: int = 0
    """Counted from the content where it is 0."""
    wait: float = 0.0
    """Seconds before the answer begins."""
    cut: bool = False
    """The connection breaks, before a whole answer or in the middle of a streamed one."""
    broken: str = ""
    """The error that ends a streamed answer in its middle, as ``overloaded_error``."""
    outcome: str = "succeeded"
    """Of a request in a batch: ``errored``, ``expired`` or ``canceled``."""


@dataclass
class Service:
    """What was asked, and what is answered: tool input, a text, a status code, or a script.

    An answer may be a function of the request. When one is left it is given ever again if
    ``repeat`` is set.
    """

    answers: list[Any]
    asked: list[dict[str, Any]] = field(default_factory=list)
    client: anthropic.AsyncAnthropic | None = None
    clock: Callable[[], float] = time.time
    repeat: bool = False
    usages: list[dict[str, Any]] = field(default_factory=list)
    """Of every answer that was billed, those that did not arrive included."""
    bills: list[tuple[Mapping[str, Any], dict[str, Any]]] = field(default_factory=list)
    """The same, with the request that each was for."""

    def __post_init__(self) -> None:
        self.cache = PromptCache(clock=lambda: self.clock())

    async def messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        wrong = refusal(body)
        if wrong:
            return failed(400, wrong)
        script = self.next(body)
        if script.status != 200:
            return failed(script.status, "scripted", script.headers)
        try:
            usage, begun = self.cache.look_up(body)
        except TooManyBreakpoints as error:
            return failed(400, str(error))
        await asyncio.sleep(script.wait)
        begun()
        message = self.message(body, script, usage)
        headers = {**LIMITS, **script.headers}
        if body.get("stream"):
            return await streamed(request, message, script, headers)
        if script.cut:
            assert request.transport is not None
            request.transport.close()
        return web.json_response(message, headers=headers)

    def next(self, body: Mapping[str, Any]) -> Scripted:
        """The answer that is due."""
        if not self.answers:
            return Scripted(status=500)
        answer = self.answers[0] if self.repeat else self.answers.pop(0)
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, int):
            answer = Scripted(status=answer)
        return answer if isinstance(answer, Scripted) else Scripted(content=answer)

    def message(
        self, body: Mapping[str, Any], script: Scripted, usage: Usage, tier: str = "standard"
    ) -> dict[str, Any]:
        """The message as the API gives it; what is longer than was allowed is cut off."""
        needed = script.output_tokens or self.cache.tokens(json.dumps(script.content)) + 10
        given = min(needed, body["max_tokens"])
        stop = script.stop_reason
        if not stop:
            stop = "tool_use" if isinstance(script.content, dict) else "end_turn"
        billed = {
            "input_tokens": usage.input,
            "output_tokens": given,
            "cache_creation_input_tokens": usage.write,
            "cache_read_input_tokens": usage.read,
            "service_tier": tier,
        }
        self.usages.append(billed)
        self.bills.append((body, billed))
        message = {
            "id": f"msg_{len(self.usages)}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [content(script.content, body["tools"][0]["name"])],
            "stop_reason": "max_tokens" if given < needed else stop,
            "stop_sequence": None,
            "usage": billed,
        }
        from anthropic.types import Message

        Message.model_validate(message)
        return message


def content(answer: Any, tool: str) -> dict[str, Any]:
    """An object is what the model fills in; a text is what it says instead."""
    if isinstance(answer, dict):
        return {"type": "tool_use", "id": "toolu_1", "name": tool, "input": answer}
    return {"type": "text", "text": str(answer)}


def refusal(body: Mapping[str, Any]) -> str:
    """Why the API would not take a request; empty when it does."""
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            return f"{name}: Field required"
    if body["model"].startswith(UNFORCED):
        if body.get("tool_choice", {}).get("type") in ("tool", "any"):
            return "tool_choice: forced tool use is not supported for this model"
        if body.get("thinking", {}).get("type") in ("disabled", "enabled"):
            return "thinking.type is not supported for this model"
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            return "messages: text content blocks must be non-empty"
    return ""


def error_body(status: int, message: str) -> dict[str, Any]:
    """An error as the API gives it."""
    from anthropic.types.shared import ErrorResponse

    error = {"type": KINDS.get(status, "api_error"), "message": message}
    body = {"type": "error", "error": error, "request_id": "req_1"}
    ErrorResponse.model_validate(body)
    return body


def failed(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(
        error_body(status, message), status=status, headers={**LIMITS, **(headers or {})}
    )


async def streamed(
    request: web.Request, message: Mapping[str, Any], script: Scripted, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send a message as events; break off in the middle where the script says so."""
    response = web.StreamResponse(headers={**headers, "content-type": "text/event-stream"})
    await response.prepare(request)
    whole = events(message)
    broken = script.cut or bool(script.broken)
    for event in whole[: len(whole) // 2] if broken else whole:
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        await response.write(text.encode())
    if script.broken:
        status = next(code for code, kind in KINDS.items() if kind == script.broken)
        error = json.dumps(error_body(status, "scripted"))
        await response.write(f"event: error\ndata: {error}\n\n".encode())
    if script.cut:
        assert request.transport is not None
        request.transport.close()
    return response


@asynccontextmanager
async def messages_api(
    *answers: Any, clock: Callable[[], float] = time.time, repeat: bool = False
) -> AsyncIterator[Service]:
    """A server with these answers, in order, and an SDK client that talks to it."""
    service = Service(answers=list(answers), clock=clock, repeat=repeat)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/v1/messages", service.messages)
    async with serving(app, service):
        yield service


@asynccontextmanager
async def serving(app: web.Application, service: Service) -> AsyncIterator[None]:
    """Run the server, with a client for it."""
    import anthropic

    async with TestServer(app) as server:
        client = anthropic.AsyncAnthropic(
            api_key="test", base_url=str(server.make_url("")), max_retries=0
        )
        service.client = client
        try:
            yield
        finally:
            await client.close()
            await asyncio.sleep(0.01)

"""A local server that speaks the Messages API with scripted answers, for the real SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
from aiohttp import web
from aiohttp.test_utils import TestServer
from anthropic.types import Message


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """An answer of which more than its content matters."""

    content: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stop_reason: str = ""


@dataclass
class Service:
    """What was asked, and what is answered: tool input, a text, a status code, or a script."""

    answers: list[Any]
    asked: list[dict[str, Any]] = field(default_factory=list)
    client: anthropic.AsyncAnthropic | None = None

    async def messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            answer = Scripted(status=answer)
        if not isinstance(answer, Scripted):
            answer = Scripted(content=answer)
        if answer.status != 200:
            error = {"type": "api_error", "message": "scripted"}
            return web.json_response(
                {"type": "error", "error": error}, status=answer.status, headers=answer.headers
            )
        used = isinstance(answer.content, dict)
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [content(answer.content, body["tools"][0]["name"])],
            "stop_reason": answer.stop_reason or ("tool_use" if used else "end_turn"),
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 200},
        }
        Message.model_validate(message)
        return web.json_response(message)


def content(answer: Any, tool: str) -> dict[str, Any]:
    """An object is what the model fills in; a text is what it says instead."""
    if isinstance(answer, dict):
        return {"type": "tool_use", "id": "t1", "name": tool, "input": answer}
    return {"type": "text", "text": str(answer)}


@asynccontextmanager
async def messages_api(*answers: Any) -> AsyncIterator[Service]:
    """A server with these answers, in order, and an SDK client that talks to it."""
    service = Service(answers=list(answers))
    app = web.Application()
    app.router.add_post("/v1/messages", service.messages)
    async with TestServer(app) as server:
        client = anthropic.AsyncAnthropic(
            api_key="test", base_url=str(server.make_url("")), max_retries=0
        )
        service.client = client
        try:
            yield service
        finally:
            await client.close()
            await asyncio.sleep(0.01)

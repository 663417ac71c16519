"""A local server that speaks chat completions, checked against the types of the openai package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache as once
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@once
def request_type() -> TypeAdapter[Any]:
    """Return what checks a request. The package takes a second to import."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    from pydantic import TypeAdapter

    return TypeAdapter(CompletionCreateParamsNonStreaming)


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer: what the model does, or how the server fails."""

    arguments: str | None = None
    text: str | None = None
    finish: str = "tool_calls"
    refusal: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    cached: int = 0
    cut: bool = False
    wait: float = 0.0


@dataclass
class Chat:
    """What was asked, and what is answered, in order."""

    answers: list[Said]
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        request_type().validate_python(body)
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        said = self.answers.pop(0)
        await asyncio.sleep(said.wait)
        if said.cut:
            assert request.transport is not None
            request.transport.close()
        if said.raw:
            return web.Response(text=said.raw, status=said.status)
        if said.status != 200:
            error = {"message": "scripted", "type": "server_error", "param": None, "code": None}
            return web.json_response({"error": error}, status=said.status, headers=said.headers)
        return web.json_response(completion(body, said))


def completion(body: Mapping[str, Any], said: Said) -> dict[str, Any]:
    """A chat completion as the API gives it."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text,
        "refusal": said.refusal,
    }
    if said.arguments is not None:
        name = body["tools"][0]["function"]["name"]
        call = {"name": name, "arguments": said.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": said.finish, "logprobs": None}
        ],
        "usage": {
            "prompt_tokens": 500,
            "completion_tokens": 20,
            "total_tokens": 520,
            "prompt_tokens_details": {"cached_tokens": said.cached, "audio_tokens": 0},
        },
    }
    from openai.types.chat import ChatCompletion

    ChatCompletion.model_validate(whole)
    return whole


@asynccontextmanager
async def chat_api(*answers: Said) -> AsyncIterator[Chat]:
    """A server with these answers, in order."""
    chat = Chat(list(answers))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat.complete)
    async with TestServer(app) as server:
        chat.url = str(server.make_url("/v1"))
        yield chat
        await asyncio.sleep(0.01)

"""Answers on their way: late, cut off, or never."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from tests.furniture.github_world.faults import Fault
from tests.furniture.github_world.rest import Reply

LONGEST = 600.0
"""Seconds after which nobody waits any more."""
STEP = 0.02


async def send(
    request: web.Request, reply: Reply, fault: Fault | None, *, date: str
) -> web.StreamResponse:
    """Answer a request as the fault has it; status 0 cuts the connection."""
    if fault is not None:
        await asyncio.sleep(fault.delay)
        if fault.hangs:
            await _until_gone(request)
    if not reply.status:
        _cut(request)
        return web.Response()
    answer = _response(reply)
    answer.headers["Date"] = date
    if fault is None or fault.cut is None:
        return answer
    whole = answer.body if isinstance(answer.body, bytes) else b""
    partial = web.StreamResponse(status=answer.status, headers=answer.headers)
    partial.content_length = len(whole) + 1
    await partial.prepare(request)
    await partial.write(whole[: fault.cut])
    _cut(request)
    return partial


async def _until_gone(request: web.Request) -> None:
    waited = 0.0
    while waited < LONGEST and request.transport and not request.transport.is_closing():
        await asyncio.sleep(STEP)
        waited += STEP


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _response(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return web.Response(status=reply.status, headers=reply.headers, text=text, content_type=kind)

"""The world over HTTP: faults, identity, rate limits, ETags; then GraphQL, REST or git."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.furniture.github_world import (
    git_http,
    graph,
    graph_lists,
    graph_repositories,
    graph_threads,
    rest,
    rest_apps,
    rest_pulls,
    rest_repositories,
)
from tests.furniture.github_world.clock import MINUTE, Clock
from tests.furniture.github_world.counting import Size
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import PRIMARY, SECONDARY, Fault
from tests.furniture.github_world.identity import identify, token_of
from tests.furniture.github_world.openapi import Invented, Operation
from tests.furniture.github_world.rates import MOST_AT_ONCE, Rate
from tests.furniture.github_world.rest import Reply, error
from tests.furniture.github_world.view import View
from tests.furniture.github_world.world import Asked, World

REGISTERED = (
    graph_lists,
    graph_repositories,
    graph_threads,
    rest_apps,
    rest_pulls,
    rest_repositories,
)
"""Modules that register fields and routes."""
NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
)


@asynccontextmanager
async def github_world(
    descriptions: Descriptions,
    *,
    enterprise: bool = False,
    real_time: bool = False,
    minutes_ahead: float = 0,
) -> AsyncIterator[World]:
    """A world that is served; it fails the test when anything was invented.

    Its time passes when told to. With ``real_time`` it is ours, or ``minutes_ahead`` of it: for
    processes that have a clock of their own.
    """
    clock = Clock(real=real_time, offset=minutes_ahead * MINUTE)
    world = World(descriptions, enterprise=enterprise, clock=clock)
    app = web.Application(client_max_size=2**25)
    app.router.add_route("*", "/{path:.*}", Serving(world).handle)
    async with TestServer(app) as server:
        world.url = str(server.make_url("")).rstrip("/")
        try:
            yield world
        except BaseException as error:
            for complaint in world.complaints:
                error.add_note(complaint)
            raise
    assert not world.complaints, "\n".join(world.complaints)


class Serving:
    """Answers requests."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._world.rates.begin()
        try:
            answered = await self._handled(request)
        finally:
            self._world.rates.end()
        answered.headers["Date"] = self._world.clock.date
        return answered

    async def _handled(self, request: web.Request) -> web.StreamResponse:
        view = identify(self._world, token_of(request.headers.get("Authorization", "")))
        if git_http.is_git(request.path):
            return await git_http.serve(request, view)
        path, resource = self._place(request.rel_url.raw_path)
        size = None
        fault = self._world.faults.take(path, after=False)
        if fault is None:
            reply, size = await self._answer(request, view, path, resource)
            fault = self._world.faults.take(path, after=True)
        if fault is not None:
            reply = _faulty(fault)
        self._world.asked.append(
            Asked(
                method=request.method,
                path=unquote(path),
                status=reply.status,
                who=(view.login or view.key) if isinstance(view, View) else "",
                nodes=size.nodes if size else 0,
                cost=size.cost if size else 0,
            )
        )
        if not reply.status:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return _response(reply)

    def _place(self, path: str) -> tuple[str, str]:
        """Return the path under the API, empty when it is not there, and the resource."""
        if path == ("/api/graphql" if self._world.enterprise else "/graphql"):
            return "/graphql", "graphql"
        prefix = "/api/v3" if self._world.enterprise else ""
        return (path.removeprefix(prefix) if path.startswith(prefix) else ""), "core"

    async def _answer(
        self, request: web.Request, view: View | Reply, path: str, resource: str
    ) -> tuple[Reply, Size | None]:
        if not request.headers.get("User-Agent"):
            return error(403, NO_AGENT), None
        if isinstance(view, Reply):
            return view, None
        if self._world.rates.at_once > MOST_AT_ONCE:
            return error(403, SECONDARY, {"Retry-After": "60"}), None
        rate = self._rate(view, resource)
        if resource == "graphql":
            return await self._graphql(request, view, rate)
        if not rate.remaining:
            return error(403, PRIMARY, rate.headers()), None
        reply = self._rest(request, view, path, await _json(request))
        tag = _etag(reply, view.key)
        if tag and request.headers.get("If-None-Match") == tag:
            reply = Reply(304, None, {})
        rate.used += 0 if reply.status == 304 and view.key else 1
        headers = {**reply.headers, **rate.headers()}
        return Reply(reply.status, reply.body, {**headers, "ETag": tag} if tag else headers), None

    def _rate(self, view: View, resource: str) -> Rate:
        held = len(self._world.covered(view.grant.installation)) if view.grant else 0
        now = self._world.clock.now
        return self._world.rates.of(view.key, resource, now=now, repositories=held)

    async def _graphql(
        self, request: web.Request, view: View, rate: Rate
    ) -> tuple[Reply, Size | None]:
        if not view.key or view.app is not None:
            return error(401, "This endpoint requires you to be authenticated."), None
        if not rate.remaining:
            said = {"errors": [{"type": "RATE_LIMITED", "message": PRIMARY}]}
            return Reply(200, said, rate.headers()), None
        body, size = graph.answer(view, await request.json())
        rate.used += size.cost if size else 1
        return Reply(200, body, rate.headers()), size

    def _rest(self, request: web.Request, view: View, path: str, body: Any) -> Reply:
        api = view.world.descriptions.openapi
        try:
            asked = api.operation(
                request.method,
                self._renamed(path),
                dict(request.query),
                body,
                accept=request.headers.get("Accept", ""),
            )
            if request.method != "GET" and view.app is None:
                now = view.world.clock.now
                if view.world.rates.create(view.key, now=now):
                    return error(403, SECONDARY, {"Retry-After": "60"})
            reply = rest.answer(view, asked)
            self._check(asked, reply)
        except Invented as invented:
            view.world.complain(str(invented))
            return error(500, "Server Error")
        return reply

    def _renamed(self, path: str) -> str:
        """Return the path that a redirection by a repository's id stands for: GitHub redirects to
        ``/repositories/{id}``, which its description does not have."""
        words = path.split("/", 3)
        if words[1] != "repositories" or not words[2:] or not words[2].isdigit():
            return path
        for one in self._world.repositories.values():
            if one.id == int(words[2]):
                return "/".join(["/repos", one.full_name, *words[3:]])
        return path

    def _check(self, asked: Operation, reply: Reply) -> None:
        api = self._world.descriptions.openapi
        if isinstance(reply.body, bytes):
            return
        if reply.status < 300:
            api.check_response(asked, reply.status, reply.body)
        else:
            # The description leaves out most errors, a repository that moved for instance.
            where = f"{asked.method} {asked.template} -> {reply.status}"
            schema = "validation-error" if "errors" in (reply.body or {}) else "basic-error"
            api.check_as(schema, reply.body, where)


async def _json(request: web.Request) -> Any:
    content = await request.read()
    return json.loads(content) if content else None


def _etag(reply: Reply, key: str) -> str:
    """Return a tag that, as GitHub's, is good for one identity only."""
    if reply.status != 200 or isinstance(reply.body, bytes):
        return ""
    content = json.dumps([reply.body, key], sort_keys=True).encode()
    return f'W/"{hashlib.sha256(content).hexdigest()}"'


def _faulty(fault: Fault) -> Reply:
    return Reply(fault.status, fault.body, fault.headers)


def _response(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return web.Response(status=reply.status, headers=reply.headers, text=text, content_type=kind)

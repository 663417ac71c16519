"""The world over HTTP: faults, identity, rate limits, ETags; then GraphQL, REST or git."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.furniture.github_world import (
    git_http,
    graph,
    graph_lists,
    graph_repositories,
    graph_threads,
    rest,
    rest_pulls,
    rest_repositories,
)
from tests.furniture.github_world.counting import Size
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import PRIMARY, Fault
from tests.furniture.github_world.graph import View
from tests.furniture.github_world.openapi import Invented, Operation
from tests.furniture.github_world.rest import Reply, error
from tests.furniture.github_world.world import Asked, World

REGISTERED = (graph_lists, graph_repositories, graph_threads, rest_pulls, rest_repositories)
"""Modules that register fields and routes."""
NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
)


@asynccontextmanager
async def github_world(
    descriptions: Descriptions, *, enterprise: bool = False
) -> AsyncIterator[World]:
    """A world that is served; it fails the test when anything was invented."""
    world = World(descriptions, enterprise=enterprise)
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
        if git_http.is_git(request.path):
            login = self._world.tokens.get(_token(request), "")
            return await git_http.serve(request, View(self._world, login))
        path, resource = self._place(request.path)
        size = None
        fault = self._world.faults.take(path, after=False)
        if fault is None:
            reply, size = await self._answer(request, path, resource)
            fault = self._world.faults.take(path, after=True)
        if fault is not None:
            reply = _faulty(fault)
        self._world.asked.append(
            Asked(
                method=request.method,
                path=path,
                status=reply.status,
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
        self, request: web.Request, path: str, resource: str
    ) -> tuple[Reply, Size | None]:
        token = _token(request)
        if not request.headers.get("User-Agent"):
            return error(403, NO_AGENT), None
        if token and token not in self._world.tokens:
            return error(401, "Bad credentials"), None
        view = View(self._world, self._world.tokens.get(token, ""))
        rate = self._world.rates.of(token, resource, now=self._world.clock.now)
        if resource == "graphql":
            if not token:
                return error(401, "This endpoint requires you to be authenticated."), None
            if not rate.remaining:
                said = {"errors": [{"type": "RATE_LIMITED", "message": PRIMARY}]}
                return Reply(200, said, rate.headers()), None
            body, size = graph.answer(view, await request.json())
            rate.used += size.cost if size else 1
            return Reply(200, body, rate.headers()), size
        if not rate.remaining:
            limited = error(403, PRIMARY)
            return Reply(403, limited.body, rate.headers()), None
        reply = self._rest(request, view, path, await _json(request))
        tag = _etag(reply, token)
        if tag and request.headers.get("If-None-Match") == tag:
            reply = Reply(304, None, {})
        rate.used += 0 if reply.status == 304 and token else 1
        headers = {**reply.headers, **rate.headers()}
        return Reply(reply.status, reply.body, {**headers, "ETag": tag} if tag else headers), None

    def _rest(self, request: web.Request, view: View, path: str, body: Any) -> Reply:
        api = view.world.descriptions.openapi
        try:
            asked = api.operation(request.method, self._renamed(path), dict(request.query), body)
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
        if reply.status < 300:
            api.check_response(asked, reply.status, reply.body)
        else:
            # The description leaves out most errors, a repository that moved for instance.
            where = f"{asked.method} {asked.template} -> {reply.status}"
            api.check_as("basic-error", reply.body, where)


def _token(request: web.Request) -> str:
    """Return the token that came; git's comes as a password."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        return base64.b64decode(token).decode().partition(":")[2]
    return token if kind.lower() in ("bearer", "token") else ""


async def _json(request: web.Request) -> Any:
    content = await request.read()
    return json.loads(content) if content else None


def _etag(reply: Reply, token: str) -> str:
    """Return a tag that, as GitHub's, is good for one token only."""
    if reply.status != 200:
        return ""
    content = json.dumps([reply.body, token], sort_keys=True).encode()
    return f'W/"{hashlib.sha256(content).hexdigest()}"'


def _faulty(fault: Fault) -> Reply:
    return Reply(fault.status, fault.body, fault.headers)


def _response(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return web.Response(status=reply.status, headers=reply.headers, text=text, content_type=kind)

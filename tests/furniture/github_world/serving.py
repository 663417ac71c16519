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
    manifests,
    rest,
    rest_apps,
    rest_artifacts,
    rest_checks,
    rest_code,
    rest_comments,
    rest_events,
    rest_hooks,
    rest_labels,
    rest_limits,
    rest_people,
    rest_pulls,
    rest_repositories,
    rest_runs,
    rest_suites,
    rest_threads,
    rest_workflows,
)
from tests.furniture.github_world.clock import MINUTE, Clock
from tests.furniture.github_world.counting import Size
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import PRIMARY, SECONDARY
from tests.furniture.github_world.hooks import stop
from tests.furniture.github_world.identity import identify, token_of
from tests.furniture.github_world.openapi import Invented, Operation
from tests.furniture.github_world.rates import CREATING, MOST_AT_ONCE, Rate
from tests.furniture.github_world.rest import Reply, error
from tests.furniture.github_world.rest_limits import rate_of
from tests.furniture.github_world.sending import send
from tests.furniture.github_world.view import View
from tests.furniture.github_world.world import Asked, World

REGISTERED = (
    graph_lists,
    graph_repositories,
    graph_threads,
    manifests,
    rest_apps,
    rest_artifacts,
    rest_checks,
    rest_code,
    rest_comments,
    rest_events,
    rest_hooks,
    rest_labels,
    rest_limits,
    rest_people,
    rest_pulls,
    rest_repositories,
    rest_runs,
    rest_suites,
    rest_threads,
    rest_workflows,
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
        finally:
            await stop(world.running)
            await world.hooks.close()
            world.folder.cleanup()
    assert not world.complaints, "\n".join(world.complaints)


class Serving:
    """Answers requests."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._world.rates.begin()
        try:
            return await self._handled(request)
        finally:
            self._world.rates.end()

    async def _handled(self, request: web.Request) -> web.StreamResponse:
        if manifests.is_page(request.path):
            return await manifests.page(request, self._world)
        if rest_artifacts.is_blob(request.path):
            return rest_artifacts.blob(request, self._world)
        view = identify(self._world, token_of(request.headers.get("Authorization", "")))
        path, resource = self._place(request.rel_url.raw_path)
        size = None
        fault = self._world.faults.take(request.method, path, after=False)
        if fault is None or fault.status is None:
            reply, size = await self._answer(request, view, path, resource)
            fault = fault or self._world.faults.take(request.method, path, after=True)
        if fault is not None and fault.status is not None:
            reply = Reply(fault.status, fault.body, fault.headers)
        known = self._world.asked_of_git if resource == "git" else self._world.asked
        known.append(
            Asked(
                method=request.method,
                path=unquote(path),
                status=reply.status,
                who=(view.login or view.key) if isinstance(view, View) else "",
                nodes=size.nodes if size else 0,
                cost=size.cost if size else 0,
            )
        )
        return await send(request, reply, fault, date=self._world.clock.date)

    def _place(self, path: str) -> tuple[str, str]:
        """Return the path under the API, empty when it is not there, and the resource."""
        if git_http.is_git(path):
            return path, "git"
        if path == ("/api/graphql" if self._world.enterprise else "/graphql"):
            return "/graphql", "graphql"
        prefix = "/api/v3" if self._world.enterprise else ""
        return (path.removeprefix(prefix) if path.startswith(prefix) else ""), "core"

    async def _answer(
        self, request: web.Request, view: View | Reply, path: str, resource: str
    ) -> tuple[Reply, Size | None]:
        if resource == "git":
            return await git_http.answer(request, view), None
        if not request.headers.get("User-Agent"):
            return error(403, NO_AGENT), None
        if isinstance(view, Reply):
            return view, None
        write = request.method != "GET" and resource == "core"
        now = self._world.clock.now
        if self._world.rates.at_once > MOST_AT_ONCE or self._world.rates.spend(
            view.key, resource, 5 if write else 1, now=now
        ):
            return error(403, SECONDARY, {"Retry-After": "60"}), None
        rate = rate_of(view, resource)
        if resource == "graphql":
            return await self._graphql(request, view, rate)
        if not rate.remaining:
            return error(403, PRIMARY, rate.headers()), None
        reply = self._rest(request, view, path, await _json(request))
        tag = _etag(reply, view.key)
        if tag and request.headers.get("If-None-Match") == tag:
            reply = Reply(304, None, {})
        free = (reply.status == 304 and view.key) or path == "/rate_limit"
        rate.used += 0 if free else 1
        headers = {**reply.headers, **rate.headers()}
        return Reply(reply.status, reply.body, {**headers, "ETag": tag} if tag else headers), None

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
            if request.method in CREATING and view.app is None:
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
        return "/".join(["/repos", "nobody", "nothing", *words[3:]])

    def _check(self, asked: Operation, reply: Reply) -> None:
        api = self._world.descriptions.openapi
        if isinstance(reply.body, bytes):
            return
        if reply.status < 300 or reply.body is None:
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

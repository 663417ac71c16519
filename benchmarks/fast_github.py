"""A GitHub that answers fast: the GitHub of the tests, each question asked of it once.

    .venv/bin/python -m benchmarks.fast_github FOLDER [--repositories 40]

In it an App is installed on so many repositories of different owners, and something happened in
each. Writes into the folder what a service needs to be that App (`key.pem`, `hook`, `app.json`) and
what GitHub would tell it (`told.jsonl`: event and payload a line), then answers until it is ended.
An answer is given again to the same question, with its ETag; writes are never answered from memory.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.furniture.github_world import App, Code, World, github_world
from tests.furniture.github_world.descriptions import load

KEPT = ("ETag", "Link", "Content-Type")
"""Headers of an answer that are given again."""
PASSED_ON = ("Authorization", "Accept", "Content-Type", "User-Agent", "X-GitHub-Api-Version")
HEEDED = (
    ("label", "created"),
    ("issues", "edited"),
    ("pull_request", "closed"),
    ("push", None),
)
"""What is told of and has something follow from it."""
READY = "app.json"
"""Written last."""


@dataclass(slots=True)
class Memory:
    """A server before the world, which remembers what the world answered."""

    session: aiohttp.ClientSession
    world: str
    known: dict[tuple[str, ...], web.Response] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        body = await request.read()
        if not remembered(request):
            return await self._ask(request, body)
        viewer = request.headers["Authorization"] if own(request) else ""
        key = (request.method, request.path_qs, hashlib.sha256(body).hexdigest(), viewer)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = await self._ask(request, body)
        headers = {name: found.headers[name] for name in KEPT if name in found.headers}
        etag = headers.get("ETag", "")
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(status=found.status, headers=headers, body=found.body)

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = self.world + request.path_qs
        async with self.session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


def remembered(request: web.Request) -> bool:
    """Say whether the same question has the same answer."""
    asks = request.path == "/graphql" or request.path.endswith("/access_tokens")
    return request.method == "GET" or asks


def own(request: web.Request) -> bool:
    """Say whether the answer depends on who asks."""
    return request.path.startswith("/installation/")


async def serve(folder: Path, *, repositories: int) -> None:
    """Answer until cancelled."""
    async with github_world(load(), real_time=True) as world, aiohttp.ClientSession() as session:
        memory = Memory(session, world.url)
        front = web.Application(client_max_size=2**25)
        front.router.add_route("*", "/{path:.*}", memory.handle)
        async with TestServer(front) as server:
            # Links in its answers lead to the front.
            world.url = str(server.make_url("")).rstrip("/")
            app = world.app()
            told = list(happened(world, app, folder, repositories))
            (folder / "told.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told))
            (folder / "key.pem").write_text(app.pem)
            (folder / "hook").write_text(str(app.webhook_secret))
            about = {"id": app.id, "slug": app.slug, "url": world.url}
            (folder / READY).write_text(json.dumps(about))
            await asyncio.Event().wait()


def happened(world: World, app: App, folder: Path, repositories: int) -> Iterator[tuple[str, Any]]:
    """Make repositories where things happen; give what of it a service is told."""
    for number in range(repositories):
        repository = world.repository(f"owner{number}/thing")
        world.install(app, repository)
        code = Code(world, repository, folder)
        code.commit({"a.py": "a = 1\n"}, "Begin")
        issue = world.issue(repository)
        code.commit({"a.py": "a = 2\n"}, "Mend", branch="patch")
        pull = code.pull("patch", closes=[issue])
        world.hooks.pending.clear()
        world.create_label(repository, "bugfoundry")
        world.touch(issue, "It is still broken")
        code.merge(pull, "squash")
        code.commit({"a.py": "a = 3\n"}, "Go on")
        found = {(one.event, one.action): one.payload for one in world.hooks.pending}
        world.hooks.pending.clear()
        for event, action in HEEDED:
            yield event, found[event, action]
        # Of these two nothing follows: one that is not asked for, one that is not heeded.
        common = {k: found["push", None][k] for k in ("repository", "installation", "sender")}
        yield "star", {"action": "created", "starred_at": "2026-01-01T00:00:00Z", **common}
        yield "check_run", {"action": "completed", "check_run": {"id": 3}, **common}


def main() -> None:
    """Answer until ended."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repositories", type=int, default=40)
    asked = parser.parse_args()
    asyncio.run(serve(asked.folder, repositories=asked.repositories))


if __name__ == "__main__":
    main()

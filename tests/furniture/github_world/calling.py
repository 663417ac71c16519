"""A bare client, for tests of the world itself: no retries, no opinions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.furniture.github_world.world import World


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


async def call(
    world: World,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str = "",
    headers: dict[str, str] | None = None,
) -> Answered:
    """Ask the world's REST API once; redirections are not followed."""
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    url = path if path.startswith("http") else world.api + path
    async with (
        aiohttp.ClientSession(headers={**sent, **(headers or {})}) as session,
        session.request(method, url, json=body, allow_redirects=False) as response,
    ):
        return Answered(response.status, dict(response.headers), await response.read())

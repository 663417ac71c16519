"""The connections to one GitHub: a request goes out, an answer comes back, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from mirror.github.answers import LOST, Answer

USER_AGENT = "bugfoundry"
API_VERSION = "2022-11-28"
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15)
MOVED = frozenset({301, 302, 307, 308})
MOST_MOVES = 3
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What lay at an address."""

    status: int
    content: bytes


class Wire:
    """Connections that all who ask a GitHub share; used as ``async with``."""

    def __init__(self, *, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": USER_AGENT,
            "X-GitHub-Api-Version": API_VERSION,
        }
        self._session = aiohttp.ClientSession(
            headers=headers, timeout=self._timeout, trust_env=True
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        token: str | None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        """Return the answer; one of status LOST when none came.

        It is followed to where what was asked for has moved: with its method and body, as GitHub
        wants it, and never to another host.
        """
        if self._session is None:
            raise RuntimeError("use it as `async with`")
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        at = URL(url).update_query(params or {})
        for _ in range(MOST_MOVES):
            answer = await self._once(self._session, method, at, sent, body)
            if answer.status not in MOVED:
                break
            moved = at.join(URL(answer.headers.get("location", "")))
            if moved.origin() != at.origin() or moved == at:
                break
            at = moved
        return answer

    async def fetch(self, url: str, *, limit: int) -> Fetched:
        """Return what lies at an address, without a token; cut off after one byte too many."""
        if self._session is None:
            raise RuntimeError("use it as `async with`")
        content = bytearray()
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                async for chunk in response.content.iter_chunked(CHUNK):
                    content += chunk
                    if len(content) > limit:
                        break
        except (TimeoutError, ValueError, aiohttp.ClientError, OSError):
            return Fetched(status=LOST, content=b"")
        return Fetched(status=response.status, content=bytes(content[: limit + 1]))

    async def _once(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: Any,
    ) -> Answer:
        try:
            async with session.request(
                method, url, headers=headers, json=body, allow_redirects=False
            ) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError):
            return Answer(status=LOST, headers={})
        lower = {name.lower(): value for name, value in response.headers.items()}
        data = _parse_json(content)
        return Answer(status=response.status, headers=lower, data=data, size=len(content))


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None

"""The GitHub client: asks, waits as GitHub wants it, asks again, and says plainly what is wrong.

GraphQL and conditional GETs go over aiohttp. What PyGithub does better (typed REST objects,
pagination by Link headers) goes through :meth:`GitHub.through_pygithub`, under the same limits.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from mirror.github import PUBLIC
from mirror.github.answers import LOST, TOKEN_NEEDED, Answer, broken, data_of, is_broken, problem
from mirror.github.limits import Gate, pause_after
from mirror.github.pygithub import make_pygithub, tried
from storage.errors import GitHubLimited, GitHubRefused

log = logging.getLogger(__name__)

USER_AGENT = "bugfoundry"
API_VERSION = "2022-11-28"
ATTEMPTS = 6
"""How often a question is asked that GitHub fails to answer."""
PATIENCE = 4000.0
"""Seconds that one question may wait in all: an hour, the span of the primary limit, and some."""
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15)
WAITING = "GitHub's rate limit is reached; waiting %d s"
TOO_LONG = (
    "GitHub's rate limit holds for another {minutes} minutes; try again then, what is known so far "
    "is kept"
)

T = TypeVar("T")
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]


def graphql_url(base_url: str) -> str:
    """Return where GraphQL is: on Enterprise Server beside the REST API, not under it."""
    base = base_url.rstrip("/")
    return f"{base.removesuffix('/v3') if base.endswith('/api/v3') else base}/graphql"


class GitHub:
    """One identity's way to one GitHub; used as ``async with``.

    ``base_url`` is that of the REST API: ``https://HOST/api/v3`` on Enterprise Server. ``requests``
    counts what was sent.
    """

    def __init__(
        self,
        base_url: str = PUBLIC,
        *,
        token: str | None = None,
        patience: float = PATIENCE,
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.requests = 0
        self._token = token
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._gate = Gate()
        self._session: aiohttp.ClientSession | None = None
        self._pygithub = make_pygithub(self.base_url, token, user_agent=USER_AGENT)

    async def __aenter__(self) -> Self:
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": USER_AGENT,
            "X-GitHub-Api-Version": API_VERSION,
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        self._session = aiohttp.ClientSession(headers=headers, timeout=TIMEOUT, trust_env=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
        self._pygithub.close()

    async def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        what: str,
        attempts: int = ATTEMPTS,
    ) -> dict[str, Any]:
        """Return the data of a query (no mutation: it may be sent more than once).

        What the token may not see is null in it. ``what`` names it in messages. Raises
        GitHubError.
        """
        if not self._token:
            raise GitHubRefused(TOKEN_NEEDED)
        body = {"query": query, "variables": dict(variables or {})}

        async def send() -> Answer:
            return await self._send("POST", graphql_url(self.base_url), json_body=body)

        answer = await self._ask(send, what=what, resource="graphql", attempts=attempts)
        return data_of(answer, what)

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, what: str, etag: str = ""
    ) -> Answer:
        """Return the answer to a GET under the REST API.

        With the ``etag`` of an earlier answer it is a 304 without data, free of the primary limit,
        when nothing changed. Raises GitHubError.
        """

        async def send() -> Answer:
            headers = {"If-None-Match": etag} if etag else {}
            return await self._send("GET", self.base_url + path, params=params, headers=headers)

        return await self._ask(send, what=what, resource="core", attempts=ATTEMPTS)

    async def through_pygithub(self, call: Callable[[Any], T], *, what: str) -> T:
        """Return what ``call``, given PyGithub's ``Github``, returns. It runs in a thread, and may
        run more than once: let it only read. Raises GitHubError."""
        values: list[T] = []

        async def send() -> Answer:
            return await asyncio.to_thread(tried, self._pygithub, call, values)

        await self._ask(send, what=what, resource="core", attempts=ATTEMPTS)
        return values[-1]

    async def _ask(
        self, send: Callable[[], Awaitable[Answer]], *, what: str, resource: str, attempts: int
    ) -> Answer:
        waited = 0.0
        for attempt in itertools.count():
            waited = await self._wait(self._gate.closed_for(resource, self._clock()), waited)
            answer = await send()
            self.requests += 1
            now = self._clock()
            self._gate.note(resource, answer, now=now, attempt=attempt)
            pause = pause_after(answer, now=now, attempt=attempt)
            if pause is None:
                break
            if is_broken(answer) and attempt + 1 >= attempts:
                raise broken(answer, what)
            waited = await self._wait(pause, waited)
        if (error := problem(answer, what, has_token=bool(self._token))) is not None:
            raise error
        return answer

    async def _wait(self, seconds: float, waited: float) -> float:
        if waited + seconds > self._patience:
            raise GitHubLimited(TOO_LONG.format(minutes=int(seconds // 60) + 1))
        if seconds >= 30:
            log.warning(WAITING, seconds)
        if seconds > 0:
            await self._sleep(seconds)
        return waited + seconds

    async def _send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("use GitHub as `async with GitHub(...) as github`")
        try:
            # A redirected POST would become a GET.
            async with self._session.request(
                method,
                url,
                params=params,
                headers=headers,
                json=json_body,
                allow_redirects=method == "GET",
            ) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError):
            return Answer(status=LOST, headers={})
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=lower, data=_parsed(content))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None

"""The GitHub client: what can be asked of GitHub, and written to it, within its limits.

GraphQL, conditional GETs and writes go over aiohttp. What PyGithub does better (typed REST objects,
lists that are asked for once) goes through :meth:`GitHub.through_pygithub`, under the same limits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from mirror.github import PUBLIC
from mirror.github.answers import TOKEN_NEEDED, Answer, data_of
from mirror.github.etags import EtagCache
from mirror.github.pace import WRITE, RequestPace
from mirror.github.pygithub import PyGithub
from mirror.github.requests import ATTEMPTS, Clock, GitHubRequester, Look, RequestTerms, Sleep
from mirror.github.tokens import Fixed, TokenSource
from mirror.github.wire import MOVED, Wire
from storage.errors import GitHubError, GitHubRefused

PATIENCE = 4000.0
"""Seconds that one question may wait in all: an hour, the span of the primary limit, and some."""
PAGE = 100
"""Entries on a page of a list; the most GitHub gives."""
ELSEWHERE = "GitHub leads to another host for the rest of {what}; that is not followed"

NOT_LED = "GitHub does not say where {what} is"
TOO_LARGE = "{what} is larger than {limit} MiB; it is not taken"

T = TypeVar("T")


def graphql_url(base_url: str) -> str:
    """Return where GraphQL is: on Enterprise Server beside the REST API, not under it."""
    base = base_url.rstrip("/")
    return f"{base.removesuffix('/v3') if base.endswith('/api/v3') else base}/graphql"


async def look_for_nothing() -> None:
    """Look for nothing: for a POST that does no harm when it is sent twice."""


class GitHub:
    """One identity's way to one GitHub; used as ``async with``, or had from a hub.

    ``base_url`` is that of the REST API: ``https://HOST/api/v3`` on Enterprise Server. ``identity``
    is whom GitHub counts limits for, ``viewer`` who it is to whom answers are shown.
    """

    def __init__(
        self,
        base_url: str = PUBLIC,
        *,
        token: str | TokenSource | None = None,
        patience: float = PATIENCE,
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        identity: str = "token",
        viewer: str = "",
        login: Callable[[], Awaitable[str]] | None = None,
        wire: Wire | None = None,
        pace: RequestPace | None = None,
        known: EtagCache | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._tokens = Fixed(token) if isinstance(token, str) and token else token or None
        self._viewer = viewer or identity
        self._login = login
        self._opened = wire is None
        self._wire = wire or Wire()
        self._known = known or EtagCache()
        self._pygithub = PyGithub(self.base_url)
        self._asker = GitHubRequester(
            self._tokens,
            pace or RequestPace(clock=clock),
            identity=identity,
            patience=patience,
            clock=clock,
            sleep=sleep,
        )

    async def __aenter__(self) -> Self:
        if self._opened:
            await self._wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened:
            await self._wire.__aexit__(kind, error, trace)
        self._pygithub.close()

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._asker.requests

    async def login(self) -> str:
        """Return whom GitHub names as the author of what is written; an App's ends in ``[bot]``.

        Raises GitHubError.
        """
        if self._login is not None:
            return await self._login()
        answer = await self.get("/user", what="whose token it is", cached=True)
        return str(answer.data["login"])

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
        if self._tokens is None:
            raise GitHubRefused(TOKEN_NEEDED)
        url = graphql_url(self.base_url)
        body = {"query": query, "variables": dict(variables or {})}

        async def send(token: str | None) -> Answer:
            return await self._wire.send("POST", url, token=token, body=body)

        question = RequestTerms(what=what, resource="graphql", attempts=attempts)
        return data_of(await self._asker.ask(question, send), what)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        what: str,
        etag: str = "",
        cached: bool = False,
    ) -> Answer:
        """Return the answer to a GET under the REST API.

        With the ``etag`` of an earlier answer it is a 304 without data, free of the primary limit,
        when nothing changed. ``cached`` keeps the answer here instead, and gives it again as long
        as GitHub says that it holds. Raises GitHubError.
        """
        url = self.base_url + path
        key = self._key(path, params)
        known = self._known.of(key) if cached else None
        tag = known.headers["etag"] if known is not None else etag
        headers = {"If-None-Match": tag} if tag else {}

        async def send(token: str | None) -> Answer:
            return await self._wire.send("GET", url, token=token, params=params, headers=headers)

        answer = await self._asker.ask(RequestTerms(what=what), send)
        if known is not None and answer.status == 304:
            return known
        if cached:
            self._known.keep(key, answer)
        return answer

    async def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        what: str,
        cached: bool = False,
    ) -> AsyncGenerator[Any, None]:
        """Give the data of each page of a list, as GitHub links them. Raises GitHubError."""
        asked: Mapping[str, str] = {"per_page": str(PAGE), **(params or {})}
        while path:
            answer = await self.get(path, asked, what=what, cached=cached)
            if not answer.next and _entries(answer.data) >= PAGE:
                # A full page stays as it is when another comes after it.
                self._known.forget(self._key(path, asked))
            yield answer.data
            if answer.next and not answer.next.startswith(f"{self.base_url}/"):
                raise GitHubError(ELSEWHERE.format(what=what))
            path, asked = answer.next.removeprefix(self.base_url), {}

    async def download(self, path: str, *, limit: int, what: str) -> bytes:
        """Return what GitHub leads to on another host: no token goes there. Raises GitHubError.

        More than ``limit`` bytes are not taken.
        """
        url = self.base_url + path

        async def send(token: str | None) -> Answer:
            answer = await self._wire.send("GET", url, token=token)
            if answer.status not in MOVED:
                return answer
            fetched = await self._wire.fetch(answer.headers.get("location", ""), limit=limit)
            return Answer(status=fetched.status, headers={}, data=fetched.content)

        answer = await self._asker.ask(RequestTerms(what=what), send)
        if not isinstance(answer.data, bytes):
            raise GitHubError(NOT_LED.format(what=what))
        if len(answer.data) > limit:
            raise GitHubError(TOO_LARGE.format(what=what, limit=limit >> 20))
        return answer.data

    async def write(
        self, method: str, path: str, body: Any = None, *, what: str, look: Look | None = None
    ) -> Answer:
        """Send what changes something under the REST API, and return the answer.

        An answer that does not come may yet have had its effect. With ``look`` it is looked for
        before it is sent again, and what is found is the answer's data; without, it is just sent
        again, which PUT, PATCH and DELETE allow. Raises GitHubError.
        """
        if method == "POST" and look is None:
            raise ValueError("a POST has to be looked for before it is sent again")
        url = self.base_url + path

        async def send(token: str | None) -> Answer:
            return await self._wire.send(method, url, token=token, body=body)

        # What an App asks as itself makes nothing that people see.
        creates = not path.startswith("/app/")
        question = RequestTerms(what=what, points=WRITE, creates=creates)
        return await self._asker.ask(question, send, look)

    async def through_pygithub(self, call: Callable[[Any], T], *, what: str) -> T:
        """Return what ``call``, given PyGithub's ``Github``, returns. It runs in a thread, and may
        run more than once: let it only read. Raises GitHubError."""
        values: list[T] = []
        question = RequestTerms(what=what)
        loop = asyncio.get_running_loop()

        async def send(token: str | None) -> Answer:
            async with AsyncExitStack() as turns:

                def another() -> None:
                    waiting = self._asker.next(question, turns)
                    asyncio.run_coroutine_threadsafe(waiting, loop).result()

                return await asyncio.to_thread(
                    self._pygithub.run_call, token, call, values, another
                )

        await self._asker.ask(question, send)
        return values[-1]

    def _key(self, path: str, params: Mapping[str, str] | None) -> Hashable:
        return (self._viewer, path, *sorted((params or {}).items()))


def _entries(data: Any) -> int:
    """Count the entries of a page, which some lists wrap."""
    lists = [data] if isinstance(data, list) else [v for v in data.values() if isinstance(v, list)]
    return max(map(len, lists), default=0)

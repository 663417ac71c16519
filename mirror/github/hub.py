"""The service's one way to a GitHub: as the App and as its installations, at one pace."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from mirror.github import PUBLIC
from mirror.github.answers import Answer
from mirror.github.client import PATIENCE, GitHub, look_for_nothing
from mirror.github.etags import EtagCache
from mirror.github.pace import AT_ONCE, RequestPace
from mirror.github.requests import Clock, Sleep
from mirror.github.tokens import AppTokens, InstallationTokens, Narrowing
from mirror.github.wire import Wire

APP = "app"
WHOLE = Narrowing()


class Hub:
    """Clients that share connections, pace and what is known; used as ``async with``.

    ``patience`` is how many seconds a question may wait for a limit; GitHubLimited beyond that.
    Raises ConfigError when the App's id or key is none.
    """

    def __init__(
        self,
        base_url: str = PUBLIC,
        *,
        app_id: str,
        private_key: str,
        patience: float = PATIENCE,
        at_once: int = AT_ONCE,
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        wire: Wire | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._wire = wire or Wire()
        self._pace = RequestPace(clock=clock, at_once=at_once)
        self._known = EtagCache()
        self._login = ""
        self._tokens: dict[tuple[int, Narrowing], InstallationTokens] = {}
        self._clients: dict[tuple[int, Narrowing], GitHub] = {}
        self._app = self._client(AppTokens(app_id, private_key, clock=clock), APP, APP)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)
        for client in (self._app, *self._clients.values()):
            await client.__aexit__(kind, error, trace)

    @property
    def requests(self) -> int:
        """How many requests were sent, by all clients."""
        return sum(client.requests for client in (self._app, *self._clients.values()))

    def as_app(self) -> GitHub:
        """Return the client that asks as the App itself."""
        return self._app

    def installation(self, installation: int, narrow: Narrowing = WHOLE) -> GitHub:
        """Return the client of an installation, always the same."""
        key = (installation, narrow)
        if key not in self._clients:
            identity = f"installation {installation}"
            self._clients[key] = self._client(
                self.tokens(installation, narrow), identity, f"{identity} {narrow}"
            )
        return self._clients[key]

    async def token(self, installation: int, narrow: Narrowing = WHOLE) -> str:
        """Return a token for an installation, for git or an image registry. Raises GitHubError."""
        return await self.tokens(installation, narrow).token()

    async def login(self) -> str:
        """Return whom GitHub names as the author of what the App writes. Raises GitHubError."""
        if not self._login:
            answer = await self._app.get("/app", what="the App itself")
            self._login = f"{answer.data['slug']}[bot]"
        return self._login

    def _client(self, tokens: AppTokens | InstallationTokens, identity: str, viewer: str) -> GitHub:
        return GitHub(
            self.base_url,
            token=tokens,
            patience=self._patience,
            clock=self._clock,
            sleep=self._sleep,
            identity=identity,
            viewer=viewer,
            login=self.login,
            wire=self._wire,
            pace=self._pace,
            known=self._known,
        )

    def tokens(self, installation: int, narrow: Narrowing = WHOLE) -> InstallationTokens:
        """Return the tokens of an installation, always the same."""
        key = (installation, narrow)

        async def ask() -> Answer:
            return await self._app.write(
                "POST",
                f"/app/installations/{installation}/access_tokens",
                narrow.body(),
                what=f"installation {installation}",
                look=look_for_nothing,
            )

        if key not in self._tokens:
            self._tokens[key] = InstallationTokens(ask, clock=self._clock)
        return self._tokens[key]

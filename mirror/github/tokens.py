"""Where a client has its token from: given, signed by the App, or lent for an installation.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mirror.github.answers import Answer
from mirror.github.app import ISSUED_BEFORE, LIFETIME, app_jwt

AHEAD = 300.0
"""Seconds before its end from which on a token is not begun with any more."""
HOUR = 3600.0
"""That an installation's token lives, when GitHub does not say."""
TOKEN_REFUSED = "GitHub refuses the token: it is wrong, expired or revoked; give one that is valid"
KEY_REFUSED = (
    "GitHub refuses the App's signature: its id and its private key do not belong together, or the "
    "key was deleted; make a new key on the App's page"
)
CLOCK = (
    "GitHub refuses the App's signature, for this machine's clock is {minutes} {side} GitHub's; "
    "set the clock, or let it be kept by NTP"
)
LENT_REFUSED = "GitHub refuses the token it lent for the installation; the App may be uninstalled"

Clock = Callable[[], float]


class TokenSource(Protocol):
    """What a client asks for the token to ask with."""

    async def token(self) -> str:
        """Return a token that is good for a while. Raises GitHubError or ConfigError."""

    async def discard_token(self, token: str) -> bool:
        """Learn that GitHub does not take a token; tell whether asking for one may help."""

    def refusal(self, answer: Answer, now: float) -> str:
        """Return what to tell a person when GitHub takes none."""


class Fixed:
    """One token that somebody gave."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def discard_token(self, token: str) -> bool:
        return False

    def refusal(self, answer: Answer, now: float) -> str:
        return TOKEN_REFUSED


class AppTokens:
    """Tokens to ask as the App itself, each signed when it is needed. Raises ConfigError."""

    def __init__(self, app_id: str, private_key: str, *, clock: Clock) -> None:
        app_jwt(app_id, private_key, now=clock())
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock

    async def token(self) -> str:
        return app_jwt(self._app_id, self._private_key, now=self._clock())

    async def discard_token(self, token: str) -> bool:
        return False

    def refusal(self, answer: Answer, now: float) -> str:
        off = 0.0 if answer.date is None else now - answer.date
        if -LIFETIME < off <= ISSUED_BEFORE:
            return KEY_REFUSED
        minutes = max(round(abs(off) / 60), 1)
        unit = "minute" if minutes == 1 else "minutes"
        side = "ahead of" if off > 0 else "behind"
        return CLOCK.format(minutes=f"{minutes} {unit}", side=side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """Less than all that an installation may do and see; empty is all of it."""

    repositories: tuple[int, ...] = ()
    permissions: tuple[tuple[str, str], ...] = ()
    """As ``("contents", "read")``."""

    def body(self) -> dict[str, Any] | None:
        """Return it as GitHub is asked for it."""
        asked: dict[str, Any] = {}
        if self.repositories:
            asked["repository_ids"] = list(self.repositories)
        if self.permissions:
            asked["permissions"] = dict(self.permissions)
        return asked or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A token, and when it ends by our clock."""

    text: str = field(repr=False)
    ends: float


class InstallationTokens:
    """Tokens of one installation, each for an hour and asked for once, however many need it.

    ``ask`` sends the question for a new one, as the App.
    """

    def __init__(self, ask: Callable[[], Awaitable[Answer]], *, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lent: Lent | None = None
        self._asking: asyncio.Task[Lent] | None = None

    async def token(self) -> str:
        lent = self._lent
        if lent is None or lent.ends - self._clock() < AHEAD:
            lent = await self._request_token()
        return lent.text

    async def discard_token(self, token: str) -> bool:
        # Who comes late with an old token must not make the others lose the new one.
        if self._lent is not None and self._lent.text == token:
            self._lent = None
        return True

    def refusal(self, answer: Answer, now: float) -> str:
        return LENT_REFUSED

    async def _request_token(self) -> Lent:
        if self._asking is None:
            self._asking = asyncio.create_task(self._renew())
            self._asking.add_done_callback(self._on_renewal_done)
        # One who gives up waiting does not take the question from the others.
        return await asyncio.shield(self._asking)

    async def _renew(self) -> Lent:
        answer = await self._ask()
        self._lent = lent_of(answer, self._clock())
        return self._lent

    def _on_renewal_done(self, task: asyncio.Task[Lent]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()


def lent_of(answer: Answer, now: float) -> Lent:
    """Return the token of an answer. Its end is told by GitHub's clock, and kept by ours."""
    data: Mapping[str, Any] = answer.data
    lifetime = HOUR
    if answer.date is not None and "expires_at" in data:
        lifetime = datetime.fromisoformat(data["expires_at"]).timestamp() - answer.date
    return Lent(text=data["token"], ends=now + min(max(lifetime, 0.0), HOUR))

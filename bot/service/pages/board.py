"""What the pages stand on, and who looks at them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from aiohttp import web

from bot.service.base.store_thread import AsyncStore
from bot.service.pages.session import OperatorSession, Sessions, has_form_token
from storage.errors import StoreError
from storage.store import Store
from storage.views.query import Sight

T = TypeVar("T")

MOST_WAITING = 64
"""Questions that may wait for the store; who comes then is told to come again."""
LARGEST_FORM = 10_000
"""Bytes of a form."""
BUSY = "too many pages are asked for just now; try again in a moment"


@dataclass(frozen=True, kw_only=True)
class Board:
    """The dashboard. It reads through a keeper of its own: a slow page holds up no handler."""

    reading: AsyncStore
    writing: AsyncStore
    token: str = field(default="", repr=False)
    """The operator's; without one there are no actions, and nothing private is shown."""
    web_url: str = "https://github.com"
    secure: bool = False
    """Whether people reach it by HTTPS alone."""
    clock: Callable[[], float] = time.time
    waiting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_WAITING))

    @cached_property
    def sessions(self) -> Sessions:
        """Who is logged in. Raises ConfigError when the token could be guessed."""
        return Sessions(self.token, self.clock)

    @property
    def cookie(self) -> str:
        """The name of the cookie; the prefix has browsers take it from this host by HTTPS only."""
        return "__Host-bugfoundry" if self.secure else "bugfoundry"

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Return what a question gives. Raises StoreError."""
        if self.waiting.locked():
            raise StoreError(BUSY)
        async with self.waiting:
            return await self.reading(question)


BOARD: web.AppKey[Board] = web.AppKey("board", Board)


def session_of(request: web.Request) -> OperatorSession | None:
    """Return the session of who asks."""
    board = request.app[BOARD]
    return board.sessions.find_session(request.cookies.get(board.cookie, ""))


def sight_of(request: web.Request) -> Sight:
    """Return what who asks may see."""
    return "operator" if session_of(request) else "anybody"


async def checked_form(request: web.Request) -> tuple[OperatorSession, dict[str, str]]:
    """Return the operator's session and what the form says.

    Raises HTTPForbidden for anybody else, and for a form that is not from our own page.
    """
    session = session_of(request)
    if session is None:
        raise web.HTTPForbidden(text="log in as the operator first")
    form = await small_form(request)
    if not is_same_origin(request) or not has_form_token(session, form.get("csrf", "")):
        raise web.HTTPForbidden(text="the form is too old; load the page again")
    return session, form


async def small_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form. Raises HTTPRequestEntityTooLarge for what no form of ours is."""
    told = request.content_length
    if told is None or told > LARGEST_FORM:
        raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_FORM, actual_size=told or 0)
    return {name: str(value) for name, value in (await request.post()).items()}


def is_same_origin(request: web.Request) -> bool:
    """Say whether a browser sent this from one of our pages, as far as it tells."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")

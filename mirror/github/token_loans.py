"""Tokens that live in one event loop, lent to the threads and event loops of others."""

from __future__ import annotations

import asyncio

from mirror.github.answers import Answer
from mirror.github.tokens import TokenSource


class Lender:
    """A source of tokens for other threads; made in the event loop where the tokens live.

    It is a source of tokens itself, for a client in an event loop of its own.
    """

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._home = asyncio.get_running_loop()

    def lend(self) -> str:
        """Return a token that is good for a while, for git; not to be called where they live.

        Raises GitHubError or ConfigError.
        """
        return asyncio.run_coroutine_threadsafe(self._tokens.token(), self._home).result()

    async def token(self) -> str:
        asked = asyncio.run_coroutine_threadsafe(self._tokens.token(), self._home)
        return await asyncio.wrap_future(asked)

    async def discard_token(self, token: str) -> bool:
        told = asyncio.run_coroutine_threadsafe(self._tokens.discard_token(token), self._home)
        return await asyncio.wrap_future(told)

    def refusal(self, answer: Answer, now: float) -> str:
        return self._tokens.refusal(answer, now)

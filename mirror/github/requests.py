"""Ask one question until it is answered: wait as GitHub wants it, ask again where that helps."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mirror.github.answers import (
    TOKEN_NEEDED,
    Answer,
    find_problem,
    is_broken,
    is_secondary,
    make_broken_error,
)
from mirror.github.limits import RateLimitGate, pause_after
from mirror.github.pace import READ, RequestPace, RequestTurn
from mirror.github.tokens import TokenSource
from storage.errors import GitHubLimited
from storage.nouns import format_count

log = logging.getLogger(__name__)

ATTEMPTS = 6
"""How often a question is asked that GitHub fails to answer."""
SETTLING = 10.0
"""Seconds after which a write whose answer did not come has happened, or never will: GitHub ends
what takes it longer than this."""
RENEWING = 1.0
"""Seconds before a new token is tried: not all of GitHub knows it at once."""
WAITING = "GitHub's rate limit is reached; waiting %d s"
TOO_LONG = (
    "GitHub's rate limit holds for another {minutes}; try again then, what is known so far is kept"
)

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]
Send = Callable[[str | None], Awaitable[Answer]]
"""Sends a question once, with a token."""
Look = Callable[[], Awaitable[Any | None]]
"""Looks whether a write has happened: gives what GitHub would have answered, None if it has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTerms:
    """What a request costs, and how often it is worth asking."""

    what: str
    """Names it in messages."""
    resource: str = "core"
    points: int = READ
    creates: bool = False
    """It makes content that people see."""
    attempts: int = ATTEMPTS


class GitHubRequester:
    """Asks for one identity. ``requests`` counts what was sent.

    ``patience`` is how many seconds one question may take before its next wait is not begun.
    """

    def __init__(
        self,
        tokens: TokenSource | None,
        pace: RequestPace,
        *,
        identity: str,
        patience: float,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self.requests = 0
        self._tokens = tokens
        self._pace = pace
        self._identity = identity
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._gate = RateLimitGate()

    async def ask(self, question: RequestTerms, send: Send, look: Look | None = None) -> Answer:
        """Return the answer to a question. Raises GitHubError.

        With ``look``, what did not answer is looked for before it is sent again.
        """
        deadline = self._clock() + self._patience
        renewed = False
        for attempt in itertools.count():
            answer, token = await self._send_in_turn(question, send, deadline)
            self._note(question, answer, attempt)
            # Once: a token that ended is replaced by one that works, or else the app was removed.
            if answer.status == 401 and not renewed and await self._discard_refused_token(token):
                renewed = True
                await self._wait(RENEWING, deadline)
                continue
            pause = pause_after(answer, now=self._clock(), attempt=attempt)
            if pause is None:
                break
            # A 502 may come after the effect: to send a comment again would make a second one.
            if is_broken(answer) and look is not None:
                await self._wait(max(pause, SETTLING), deadline)
                pause = 0.0
                if (found := await look()) is not None:
                    return Answer(status=200, headers={}, data=found)
            # Only failures are counted. A limit ends, and how long that may take is for the
            # deadline to say.
            if is_broken(answer) and attempt + 1 >= question.attempts:
                raise make_broken_error(answer, question.what)
            await self._wait(pause, deadline)
        if (
            error := find_problem(answer, question.what, refusal=self._refusal(answer))
        ) is not None:
            raise error
        return answer

    @asynccontextmanager
    async def turn(
        self, question: RequestTerms, deadline: float | None = None
    ) -> AsyncIterator[RequestTurn]:
        """Wait until a question may be sent without passing a limit; it counts while this lasts."""
        until = self._clock() + self._patience if deadline is None else deadline
        async with self._pace.turn(
            self._identity,
            question.resource,
            points=question.points,
            creates=question.creates,
            wait=lambda seconds: self._wait(seconds, until),
        ) as turn:
            yield turn

    async def next(self, question: RequestTerms, turns: AsyncExitStack) -> None:
        """Wait until a call that has been answered may send another request, in the same place
        among those under way; ``turns`` holds the turn of the request before, and then its own."""
        # Who waits for a turn must not keep from flying those who have one: nobody would go on.
        self._pace.flight.release()
        try:
            await turns.aclose()
            await self._wait(self._closed_for(question), self._clock() + self._patience)
            (await turns.enter_async_context(self.turn(question))).sent = True
        finally:
            await self._pace.flight.acquire()
        self.requests += 1

    async def _send_in_turn(
        self, question: RequestTerms, send: Send, deadline: float
    ) -> tuple[Answer, str | None]:
        while True:
            await self._wait(self._closed_for(question), deadline)
            async with self.turn(question, deadline) as turn:
                # After the wait for a turn, which may have outlived a token that was had before it.
                token = await self._tokens.token() if self._tokens is not None else None
                async with self._pace.flight:
                    # Others may have met a limit while this one stood in line.
                    if self._closed_for(question) > 0:
                        continue
                    turn.sent = True
                    self.requests += 1
                    return await send(token), token

    def _closed_for(self, question: RequestTerms) -> float:
        now = self._clock()
        return max(
            self._gate.closed_for(question.resource, now), self._pace.gate.closed_for("", now)
        )

    def _note(self, question: RequestTerms, answer: Answer, attempt: int) -> None:
        now = self._clock()
        # A primary limit is one identity's and one resource's; whom a secondary one counts, GitHub
        # does not say, so it holds for all who share this pace.
        # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
        if is_secondary(answer):
            self._pace.gate.note("", answer, now=now, attempt=attempt)
        else:
            self._gate.note(question.resource, answer, now=now, attempt=attempt)

    async def _discard_refused_token(self, token: str | None) -> bool:
        return (
            self._tokens is not None
            and token is not None
            and await self._tokens.discard_token(token)
        )

    def _refusal(self, answer: Answer) -> str:
        if self._tokens is None:
            return TOKEN_NEEDED
        return self._tokens.refusal(answer, self._clock())

    async def _wait(self, seconds: float, deadline: float) -> None:
        if seconds <= 0:
            return
        # Before the wait and not after it: who has no patience for all of it loses no time.
        if self._clock() + seconds > deadline:
            said = TOO_LONG.format(minutes=format_count(int(seconds // 60) + 1, "minute"))
            raise GitHubLimited(said, seconds=seconds)
        if seconds >= 30:
            log.warning(WAITING, seconds)
        await self._sleep(seconds)

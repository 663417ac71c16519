"""One pace for all that asks one GitHub: how much at once, in a minute and in an hour.

The numbers are those of GitHub's secondary rate limits. GitHub tells in no header how much of them
is left, so they are kept by counting here.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from mirror.github.limits import RateLimitGate

AT_ONCE = 20
"""Requests under way; GitHub allows a hundred, REST and GraphQL together, to all that one identity
runs: other programs with the same token are among them."""
MINUTE, HOUR = 60.0, 3600.0
CREATING = ((80, MINUTE), (500, HOUR))
"""Requests that create content: so many in so many seconds, "in general" as GitHub says."""
POINTS = {"core": 900, "graphql": 2000}
"""Points a minute: a read (GET, HEAD, OPTIONS, a query) takes one, a write (or a mutation) five."""
READ, WRITE = 1, 5

Clock = Callable[[], float]
Wait = Callable[[float], Awaitable[object]]
"""Sleeps so many seconds, or raises when that is too long."""


class Window:
    """At most so much within a span of time.

    GitHub counts a request when it comes there, at a time between our sending it and its answer.
    So it counts here from the one until a whole span after the other: whatever the way there does
    to the order and the gaps, no span of GitHub's holds more.
    """

    def __init__(self, most: int, span: float) -> None:
        self._most = most
        self._span = span
        self._under_way = 0
        self._ended: deque[tuple[float, int]] = deque()
        self._counted = 0

    def room_in(self, points: int, now: float) -> float | None:
        """Return the seconds until there is room; None when something has to end first."""
        while self._ended and self._ended[0][0] + self._span <= now:
            self._counted -= self._ended.popleft()[1]
        over = self._under_way + self._counted + points - self._most
        if over <= 0:
            return 0.0
        # The oldest leave the window first: until how many of them are out is there room?
        for ended, counted in self._ended:
            over -= counted
            if over <= 0:
                return ended + self._span - now
        return None

    def begin(self, points: int) -> None:
        """Count a request that is about to be sent."""
        self._under_way += points

    def end(self, points: int, now: float, *, sent: bool) -> None:
        """Note that it was answered, or that it was not sent after all."""
        self._under_way -= points
        if sent:
            self._ended.append((now, points))
            self._counted += points


class WindowQueue:
    """Those who wait for room in the same windows: first come, first served."""

    def __init__(self, *windows: Window, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    async def enter(self, points: int, wait: Wait) -> None:
        """Come back when there is room, which is then taken."""
        # One looks for room at a time, and the lock wakes in the order of coming: else many cheap
        # reads would slip in before a write, which needs five points at once, for ever.
        async with self._turn:
            # Looked at again after every wait: a clock that was set back, or a sleep that ended
            # early, must not let a request out too soon.
            while (seconds := self._room_in(points)) != 0:
                if seconds is None:
                    # Cleared and awaited without an await between: no end goes unnoticed.
                    self._ended.clear()
                    await self._ended.wait()
                else:
                    await wait(seconds)
            for window in self._windows:
                window.begin(points)

    def leave(self, points: int, *, sent: bool) -> None:
        """Note that what had entered was answered, or not sent after all."""
        for window in self._windows:
            window.end(points, self._clock(), sent=sent)
        self._ended.set()

    def _room_in(self, points: int) -> float | None:
        now = self._clock()
        waits = [window.room_in(points, now) for window in self._windows]
        return None if None in waits else max(one for one in waits if one is not None)


@dataclass(slots=True)
class RequestTurn:
    """Leave to send one request."""

    sent: bool = False
    """Set by who has it: what was not sent does not count."""


def _leave(line: WindowQueue, points: int, turn: RequestTurn) -> None:
    line.leave(points, sent=turn.sent)


class RequestPace:
    """What everybody who asks one GitHub from here has to share."""

    def __init__(self, *, clock: Clock = time.time, at_once: int = AT_ONCE) -> None:
        self.gate = RateLimitGate()
        """Closed for all while a secondary limit holds: GitHub does not say whom it counts."""
        self.flight = asyncio.Semaphore(at_once)
        self._clock = clock
        self._creating = WindowQueue(*(Window(*one) for one in CREATING), clock=clock)
        self._points: dict[tuple[str, str], WindowQueue] = {}

    @asynccontextmanager
    async def turn(
        self, identity: str, resource: str, *, points: int, creates: bool, wait: Wait
    ) -> AsyncIterator[RequestTurn]:
        """Wait until a request keeps within every window, and let it count in them.

        Points count for each identity, as GitHub counts them; content over all of them.
        """
        turn = RequestTurn()
        # In one order for all, or two could each hold what the other waits for.
        # Content first: it may be waited for an hour, in which others may spend the points.
        needed = [(self._creating, 1)] if creates else []
        needed.append((self._line(identity, resource), points))
        async with AsyncExitStack() as entered:
            for line, cost in needed:
                await line.enter(cost, wait)
                entered.callback(partial(_leave, line, cost, turn))
            yield turn

    def _line(self, identity: str, resource: str) -> WindowQueue:
        key = (identity, resource)
        if key not in self._points:
            self._points[key] = WindowQueue(Window(POINTS[resource], MINUTE), clock=self._clock)
        return self._points[key]

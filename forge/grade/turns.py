"""Share work out among workers by environment: each has its turn, and is begun ahead of it.

What starting a sandbox takes is nobody's waiting time then, and a sandbox serves all that is to be
done in its environment. A worker that finds every turn taken helps where much is left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from harness.judge.grader import Grader
from harness.judge.worker import SandboxWorker
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError

Item = TypeVar("Item")
HELP = 6.0
"""Seconds of work that have to be left for one more sandbox: it takes some to start."""


class EnvironmentTurn(Generic[Item]):
    """What is to be done in one environment, and what it is done with once it is prepared."""

    def __init__(
        self,
        items: Iterable[Item],
        *,
        prepare: Callable[[], Awaitable[tuple[Grader, SandboxWorker]]],
        each: float,
    ) -> None:
        self.waiting = deque(items)
        self.taken = False
        self._prepare = prepare
        self._each = each
        """Seconds that an item is expected to take."""
        self._begun: asyncio.Future[tuple[Grader, SandboxWorker]] | None = None
        self._lent = False

    @property
    def seconds_left(self) -> float:
        """Seconds of work that nobody has begun."""
        return len(self.waiting) * self._each

    def begin(self) -> asyncio.Future[tuple[Grader, SandboxWorker]]:
        """Have the environment and its first sandbox made ready, if they are not."""
        if self._begun is None:
            self._begun = asyncio.ensure_future(self._prepare())
        return self._begun

    async def worker(self) -> tuple[Grader, SandboxWorker]:
        """Return a sandbox of the caller's own. Raises BuildFailed or SandboxError."""
        grader, worker = await asyncio.shield(self.begin())
        first, self._lent = not self._lent, True
        return grader, worker if first else grader.worker()

    async def close(self) -> None:
        """Throw away what was begun and nobody took."""
        if self._begun is None or self._lent:
            return
        self._begun.cancel()
        with suppress(asyncio.CancelledError, BuildFailed, SandboxError):
            _, worker = await self._begun
            await worker.discard()


class Turns(Generic[Item]):
    """The turns of all environments, those with the most work first."""

    def __init__(self, turns: Iterable[EnvironmentTurn[Item]]) -> None:
        self._turns = sorted(turns, key=lambda turn: -turn.seconds_left)

    def next(self) -> EnvironmentTurn[Item] | None:
        """Return where a worker is to go on, and begin what follows; None where all is in hand."""
        turn = self._untaken() or max(self._turns, key=lambda turn: turn.seconds_left, default=None)
        if turn is None or (turn.taken and turn.seconds_left < HELP):
            return None
        turn.taken = True
        following = self._untaken()
        if following is not None:
            following.begin()
        return turn

    def _untaken(self) -> EnvironmentTurn[Item] | None:
        return next((turn for turn in self._turns if not turn.taken), None)

    async def close(self) -> None:
        """Throw away what was begun and nobody took."""
        await asyncio.gather(*(turn.close() for turn in self._turns))

"""The world's time: it passes when told to, or as ours does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
MINUTE = 60.0


class Clock:
    """Time that passes only when told to, or when somebody sleeps; or, ``real``, as ours does."""

    def __init__(self, *, real: bool = False, offset: float = 0.0) -> None:
        """``offset``: seconds that the world is ahead of us."""
        self.real = real
        self.slept: list[float] = []
        self._base: Callable[[], float] = time.time if real else lambda: BEGINNING
        self._ahead = offset
        self._still = False

    @property
    def now(self) -> float:
        return self._base() + self._ahead

    @now.setter
    def now(self, moment: float) -> None:
        self._ahead = moment - self._base()

    def time(self) -> float:
        return self.now

    def step(self) -> None:
        """Let a minute pass, unless time passes by itself or stands still."""
        self._ahead += 0.0 if self.real or self._still else MINUTE

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let no time pass while the world answers a request: limits count by it."""
        self._still = True
        try:
            yield
        finally:
            self._still = False

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.real:
            await asyncio.sleep(seconds)
        else:
            self._ahead += seconds

    @property
    def text(self) -> str:
        return moment_text(self.now)

    @property
    def date(self) -> str:
        """The time as a header tells it."""
        return formatdate(self.now, usegmt=True)


def moment_text(moment: float) -> str:
    """Return a time as GitHub writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

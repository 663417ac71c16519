"""How far the work is, as plain lines of a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, RLock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 30.0
"""Seconds after which a log gets a line, though nothing is new."""


class Lines:
    """Plain lines for logs and pipes: one at each change of stage, and one every 30 seconds.

    As a context, a thread writes the latter, whatever the work does meanwhile.
    """

    def __init__(
        self,
        console: Console,
        *,
        clock: Callable[[], float] = time.monotonic,
        every: float = EVERY,
    ) -> None:
        self._console = console
        self._clock = clock
        self._every = every
        self._lock = RLock()
        self._stopped = Event()
        self._thread: Thread | None = None
        self.start("")

    def start(self, text: str) -> None:
        """Begin anew, with a text that is written once it has stood for long."""
        self._started = self._written = self._clock()
        self._stage = self._state = text

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def stage(self, text: str) -> None:
        with self._lock:
            if text != self._stage:
                self._stage = self._state = text
                self._write()

    def count(self, done: int, total: int, text: str) -> None:
        with self._lock:
            self._state = f"{text} ({done} of {total})"
            self.beat()

    def note(self, text: str) -> None:
        with self._lock:
            self._console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)

    def beat(self) -> float:
        """Write where the work stands if that is due; return the seconds until it is again."""
        with self._lock:
            if self._clock() - self._written >= self._every:
                self._write()
            return self._written + self._every - self._clock()

    def _run(self) -> None:
        while not self._stopped.wait(max(self.beat(), 0.0)):
            pass

    def _write(self) -> None:
        self._written = self._clock()
        minutes, seconds = divmod(int(self._written - self._started), 60)
        line = f"[{minutes:02}:{seconds:02}] {' '.join(self._state.split())}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

"""What a person sees while work goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Reporter(Protocol):
    """Told by the pipeline what it is doing."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def count(self, done: int, total: int, text: str) -> None:
        """The stage stands at ``done`` of ``total``."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""


class Quiet:
    """Says nothing but notes: for programs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, text: str) -> None:
        """Nothing to show."""

    def count(self, done: int, total: int, text: str) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        self._console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)


class Live:
    """A live line on a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def stage(self, text: str) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, total=None)

    def count(self, done: int, total: int, text: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total, description=text)

    def note(self, text: str) -> None:
        self._progress.console.print(text, style="yellow", highlight=False, markup=False)

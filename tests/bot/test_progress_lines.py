"""Progress where nobody sees a live line: by a clock that the test moves on."""

from __future__ import annotations

import io
from threading import Event

import pytest
from rich.console import Console

from bot import cli
from bot.commands import options
from bot.commands.table import COMMANDS
from forge.run.plain_lines import EVERY, Lines


class Clock:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(said: io.StringIO, clock: Clock) -> Lines:
    return Lines(Console(file=said, width=40), clock=clock)


def test_each_change_of_stage_is_a_line(lines: Lines, said: io.StringIO, clock: Clock) -> None:
    lines.stage("a: fetching")
    clock.now = 5
    lines.stage("a: installing")
    lines.stage("a: installing")

    assert said.getvalue() == "[00:00] a: fetching\n[00:05] a: installing\n"


def test_a_line_is_due_every_30_seconds_though_nothing_is_told(
    lines: Lines, said: io.StringIO, clock: Clock
) -> None:
    lines.stage("a: installing")
    waits = []
    for clock.now in (10.0, 29.9, 30.0, 45.0, 60.0, 125.0):
        waits.append(lines.beat())

    assert waits == pytest.approx([20, 0.1, 30, 15, 30, 30])
    assert said.getvalue().splitlines() == [
        "[00:00] a: installing",
        "[00:30] a: installing",
        "[01:00] a: installing",
        "[02:05] a: installing",
    ]


def test_counts_are_told_when_a_line_is_due_and_no_sooner(
    lines: Lines, said: io.StringIO, clock: Clock
) -> None:
    lines.stage("a: judging")
    for done in range(1, 100):
        clock.now += 1
        lines.count(done, 100, "a: judging")

    assert said.getvalue().splitlines() == [
        "[00:00] a: judging",
        "[00:30] a: judging (30 of 100)",
        "[01:00] a: judging (60 of 100)",
        "[01:30] a: judging (90 of 100)",
    ]


def test_a_stage_is_one_line_whatever_it_holds(lines: Lines, said: io.StringIO) -> None:
    lines.stage("[bold]\n::error::" + "x" * 100)

    assert said.getvalue() == "[00:00] [bold] ::error::" + "x" * 100 + "\n"


def test_a_thread_writes_while_the_work_says_nothing(clock: Clock) -> None:
    written = Event()

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            written.set()
            return super().write(text)

    with Lines(Console(file=Told()), clock=clock, every=0.0):
        assert written.wait(60)


def test_every_command_but_services_writes_lines_while_it_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []

    class Noted(Lines):
        def start(self, text: str) -> None:
            started.append(text)
            super().start(text)

    monkeypatch.setattr("forge.run.plain_lines.Lines", Noted)
    monkeypatch.setattr(cli, "app", lambda: None)
    monkeypatch.setattr(options, "err", Console(file=io.StringIO()))
    for name in COMMANDS:
        started.clear()
        cli.run_app([name])
        assert bool(started) == (name not in cli.SERVICES), name


def test_what_a_command_tells_goes_into_the_lines_that_are_written_already(
    monkeypatch: pytest.MonkeyPatch, said: io.StringIO
) -> None:
    monkeypatch.setattr(options, "err", Console(file=said))

    with options.write_lines("at work"), options.show_progress("judging") as reporter:
        assert isinstance(reporter, Lines)

    assert said.getvalue() == "[00:00] judging\n"
    assert EVERY == 30

"""The command line. Each command is a module of its own in ``bot/commands``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from bot.commands.steps import mute_commands
from bot.commands.table import COMMANDS, JOBS
from forge.run.async_work import StopRequested
from storage.errors import BugfoundryError


@cache
def command(name: str) -> Any:
    """Import a command, or a group of them. Raises KeyError for one that there is not."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(import_module(f"bot.commands.{module}"), attribute)
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


class OnDemand(Mapping[str, Any]):
    """The commands by name; each is imported when it is asked for: all together take seconds."""

    def __getitem__(self, name: str) -> Any:
        return command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """What is called ``bugfoundry``."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": OnDemand()})

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a list for each job, without importing a command."""
        longest = max(map(len, COMMANDS))
        # As much as the list of a plain group leaves a line: three spacings of two.
        limit = formatter.width - 6 - longest
        for job, entries in JOBS.items():
            rows = [(name, first_line(entry.summary, limit)) for name, entry in entries.items()]
            with formatter.section(job):
                formatter.write_dl(rows, col_spacing=2 + longest - max(map(len, entries)))


def first_line(summary: str, limit: int) -> str:
    """Return what of a summary fits into so many letters, as the list of a group shows it."""
    return TyperCommand(None, help=summary).get_short_help_str(limit)


app = typer.Typer(
    name="bugfoundry",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def bugfoundry() -> None:
    """Turn a repository into verified bug-fixing tasks.

    Start with: bugfoundry forge pypi:itsdangerous
    """


SERVICES = frozenset({"serve", "work"})
"""Commands that go on until they are stopped, with a log of their own."""


def run_app(words: Sequence[str]) -> None:
    """Run a command; where it takes long and nobody sees a live line, a line now and then."""
    from bot.commands.options import write_lines

    name = next((word for word in words if not word.startswith("-")), "")
    has_own_log = not name or name in SERVICES
    with nullcontext() if has_own_log else write_lines(f"bugfoundry {name}: at work"):
        app()


def main() -> None:
    """Run the command line; errors a person can act on are one line and their exit code."""
    mute_commands()
    logging.basicConfig(level=logging.WARNING, format="bugfoundry: %(message)s")
    try:
        run_app(sys.argv[1:])
    except BugfoundryError as error:
        from bot.commands.options import err

        one_line = " ".join(str(error).split())
        err.print(f"bugfoundry: {one_line}", highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except StopRequested as stopped:
        from bot.commands.options import err

        err.print(
            "bugfoundry: stopped; the same command goes on where this one was", style="yellow"
        )
        sys.exit(stopped.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)

"""The command line. Each command is a module of its own in ``bot/commands``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from bot.commands.options import err
from bot.commands.steps import mute_commands
from forge.run.async_work import Stopped
from storage.errors import BugfoundryError

COMMANDS: Mapping[str, str] = {
    "forge": "forge:forge_command",
    "crawl": "crawl:crawl_command",
    "pulls": "crawl:pulls_command",
    "tasks": "listing:tasks_command",
    "show": "listing:show_command",
    "operators": "listing:operators_command",
    "costs": "costs:costs_command",
    "check": "grading:check_command",
    "grade": "grading:grade_command",
    "evaluate": "evaluate:evaluate_command",
    "rollout": "rollout:rollout_command",
    "transfer": "transfer:transfer_command",
    "checkout": "grading:checkout_command",
    "verify": "verify:verify_command",
    "audit": "audit:audit_command",
    "realism": "realism:realism_command",
    "report": "report:report_command",
    "export": "export:export_command",
    "gates": "gates:gates_command",
    "contamination": "contamination:contamination_command",
    "stats": "stats:stats_command",
    "campaign": "campaign:campaign_command",
    "serve": "serve:serve_command",
    "work": "serve:work_command",
    "hosted": "hosted:hosted_command",
    "optout": "hosted:optout_command",
    "optin": "hosted:optin_command",
    "jobs": "jobs:app",
    "app": "app:app",
    "batch": "batch:app",
    "env": "env:app",
    "images": "images:app",
}
"""Where each command is, in the order in which they are told: module in ``bot.commands``, name."""


@cache
def command(name: str) -> Any:
    """Import a command, or a group of them. Raises KeyError for one that there is not."""
    module, _, attribute = COMMANDS[name].partition(":")
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


def main() -> None:
    """Run the command line; errors a person can act on are one line and exit code 1."""
    mute_commands()
    logging.basicConfig(level=logging.WARNING, format="bugfoundry: %(message)s")
    try:
        app()
    except BugfoundryError as error:
        one_line = " ".join(str(error).split())
        err.print(f"bugfoundry: {one_line}", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except Stopped as stopped:
        err.print(
            "bugfoundry: stopped; the same command goes on where this one was", style="yellow"
        )
        sys.exit(stopped.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)

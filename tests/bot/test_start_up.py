"""The command line starts light: what a command needs is imported where it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import command
from bot.commands.table import COMMANDS

NEVER_FOR_HELP = (
    "aiohttp",
    "anthropic",
    "asyncio",
    "docker",
    "git",
    "github",
    "harness.judge.judge",
    "jsonschema",
    "jwt",
    "numpy",
    "pandas",
    "pyarrow",
    "pygments",
    "requests",
    "sklearn",
    "sqlite3",
    "sqlite_utils",
    "storage.store",
    "tree_sitter",
    "yaml",
)
"""Modules that no help may import: each costs more than all that a help needs."""
HELP_OF_ALL = """
import sys
from typer import Context
from typer.main import get_group

import bot.cli

def show_help(command, context):
    command.get_help(context)
    for name in getattr(command, "commands", ()):
        inner = command.get_command(context, name)
        show_help(inner, Context(inner, parent=context, info_name=name))

root = get_group(bot.cli.app)
show_help(root, Context(root, info_name="bugfoundry"))
print(*sys.modules, sep="\\n")
"""
RUN = """
import sys

import bot.cli

bot.cli.app(sys.argv[1:], standalone_mode=False)
print(*sys.modules, sep="\\n")
"""


def imported_by(program: str, *words: str) -> set[str]:
    """Return the modules that a fresh process has imported when a program ends."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())


def test_help_imports_no_command() -> None:
    imported = imported_by(RUN, "--help")

    assert "bot.commands.table" in imported
    assert not imported & {*NEVER_FOR_HELP, "bot.commands.options", "msgspec", "pydantic", "rich"}


def test_help_of_every_command_imports_nothing_heavy() -> None:
    imported = imported_by(HELP_OF_ALL)

    modules = {f"bot.commands.{entry.place.partition(':')[0]}" for entry in COMMANDS.values()}
    assert modules <= imported
    assert not imported & {*NEVER_FOR_HELP}


def test_tasks_imports_the_store_alone(tmp_path: Path) -> None:
    imported = imported_by(RUN, "tasks", "--store", str(tmp_path / "small.db"))

    assert "storage.store" in imported
    assert not imported & {"aiohttp", "anthropic", "docker", "git", "github", "numpy", "pandas"}
    assert not imported & {"pyarrow", "requests", "tree_sitter", "bot.commands.forge"}


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_is_the_beginning_of_the_docstring(name: str) -> None:
    beginning, _, _ = command(name).help.partition("\n\n")
    assert COMMANDS[name].summary == " ".join(beginning.split())

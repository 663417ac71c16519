"""Options that several commands share, and what a terminal is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from forge.run.setting_fields import SettingSubset
from forge.run.settings import EnvironmentSettings
from storage.paths import default_store

if TYPE_CHECKING:
    from forge.run.plain_lines import Lines
    from forge.run.progress import Reporter
    from storage.store import Store

out = Console()
err = Console(stderr=True)


_written: list[Lines] = []
"""What writes the lines of this process, innermost last."""


@contextmanager
def write_lines(text: str) -> Iterator[None]:
    """Write a line now and then while a command works, where nobody sees a live one."""
    from forge.run.plain_lines import Lines

    if err.is_terminal:
        yield
        return
    with Lines(err) as lines:
        lines.start(text)
        _written.append(lines)
        try:
            yield
        finally:
            _written.remove(lines)


@contextmanager
def show_progress(stage: str = "", *, is_live: bool = True) -> Iterator[Reporter]:
    """Give a reporter: a live line on a terminal, plain lines elsewhere.

    A command that prints its results as they come has no live line.
    """
    from forge.run.plain_lines import Lines
    from forge.run.progress import Live, Quiet

    if err.is_terminal:
        if not is_live:
            yield Quiet(err)
            return
        with Live(err) as live:
            if stage:
                live.stage(stage)
            yield live
        return
    lines = _written[-1] if _written else Lines(err)
    if stage:
        lines.stage(stage)
    yield lines


class SandboxChoice(StrEnum):
    """Where the repository's code runs."""

    auto = "auto"
    docker = "docker"
    local = "local"


StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar="BUGFOUNDRY_STORE",
        help="The SQLite file everything is kept in. [default: ./bugfoundry.db]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
BaseImagePart = Annotated[EnvironmentSettings, SettingSubset("base_image")]
TaskArgument = Annotated[str, typer.Argument(help="A task's id, or its unique beginning or end.")]


def open_store(path: Path | None) -> Store:
    """Open the store named, or the default one; create it where it does not exist."""
    from storage.store import Store

    return Store(path or default_store())


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")

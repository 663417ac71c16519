"""Options that several commands share, and what a terminal is."""

from __future__ import annotations

import json
import sys
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
    from storage.store import Store

out = Console()
err = Console(stderr=True)


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

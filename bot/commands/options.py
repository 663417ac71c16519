"""Options that several commands share, and what a terminal is."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mutators.likely import shipped_profile
from storage.errors import ConfigError
from storage.paths import default_store
from storage.store import Store
from syntax.features.profile import Profile, read_profile

out = Console()
err = Console(stderr=True)

PROCESSORS = "one for each processor"
"""How a default is shown that is of the machine."""


class SandboxChoice(StrEnum):
    """Where the repository's code runs."""

    auto = "auto"
    docker = "docker"
    local = "local"


class EngineChoice(StrEnum):
    """Where bugs are judged."""

    local = "local"
    actions = "actions"


EngineOption = Annotated[
    EngineChoice,
    typer.Option(
        help="Where bugs are judged: on this machine, or by GitHub Actions in a mirror; "
        "docs/actions.md."
    ),
]
MirrorsOption = Annotated[
    str,
    typer.Option(
        envvar="BUGFOUNDRY_MIRRORS",
        help="With --engine actions: the account on GitHub that mirrors are made on.",
    ),
]
ToolOption = Annotated[
    str,
    typer.Option(
        envvar="BUGFOUNDRY_TOOL",
        help="With --engine actions: bugfoundry's own repository, as owner/bugfoundry@COMMIT.",
    ),
]
PublishOption = Annotated[
    bool,
    typer.Option(
        "--publish", help="With --engine actions: put each task into the mirror as a branch."
    ),
]
RegistryOption = Annotated[
    str,
    typer.Option(
        envvar="BUGFOUNDRY_REGISTRY",
        help="With --engine actions: the registry of the mirrors' images.",
    ),
]
ShardMinutesOption = Annotated[
    float,
    typer.Option(min=1, help="With --engine actions: how long a shard should take, in minutes."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar="BUGFOUNDRY_STORE",
        help="The SQLite file everything is kept in. [default: ./bugfoundry.db]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
SandboxOption = Annotated[
    SandboxChoice,
    typer.Option(
        help="Where untrusted code runs; auto is docker where a daemon answers, else local."
    ),
]
BaseImageOption = Annotated[
    str | None,
    typer.Option(
        envvar="BUGFOUNDRY_BASE_IMAGE",
        help="Docker image to build on. [default: python:X.Y-slim-bookworm]",
    ),
]
ModelBudgetOption = Annotated[
    float,
    typer.Option(
        min=0,
        help="Dollars that a language model may cost for each repository, where ANTHROPIC_API_KEY "
        "is set: it is asked for a plan when every other failed.",
    ),
]
LikeHumanOption = Annotated[
    bool,
    typer.Option(
        "--like-human",
        help="Draw procedural bugs by how much they look like people's: operators and places by "
        "the likelihood ratio of a profile that was fitted on other repositories.",
    ),
]
HumanProfileOption = Annotated[
    Path | None,
    typer.Option(
        help="The profile of --like-human, as `bugfoundry realism --save-profile` writes it. "
        "[default: the one that comes with bugfoundry]"
    ),
]
TaskArgument = Annotated[str, typer.Argument(help="A task's id, or its unique beginning or end.")]


def chosen_profile(like_human: bool, path: Path | None) -> Profile | None:
    """Return the profile that bugs are drawn by, or none. Raises ConfigError for a bad file."""
    if path is None:
        return shipped_profile() if like_human else None
    try:
        return read_profile(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"--human-profile {path}: {error.strerror}") from error


def open_store(path: Path | None) -> Store:
    """Open the store named, or the default one; create it where it does not exist."""
    return Store(path or default_store())


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")

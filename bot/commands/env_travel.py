"""``bugfoundry env push|export|import``: an environment from one machine to another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.options import SandboxChoice, StoreOption, open_store, out
from forge.run.async_work import run_interruptible
from storage.errors import BatchError
from storage.paths import cache_dir

SourceArgument = Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")]
ImageOption = Annotated[
    str, typer.Option(help="Where its image can be pulled, by digest: what `env push` printed.")
]
GithubOption = Annotated[bool, typer.Option("--github", help="Tell a workflow too.")]
LOCAL = "{source} has a local environment only; build one with --sandbox docker, it has an image"


def push_command(
    source: SourceArgument,
    place: Annotated[str, typer.Argument(help="Registry and name, as ghcr.io/owner/name.")],
    github: GithubOption = False,
    store: StoreOption = None,
) -> None:
    """Push the environment's image to a registry, and print where it can be pulled.

    The registry has to be logged in to: docker login.
    """
    from bot.commands.steps import write_outputs
    from forge.remote.batch.candidates import packed_environment
    from forge.run.preparation import fetch
    from forge.run.settings import EnvironmentSettings, Settings
    from harness.sandboxes.docker_backend import DockerBackend
    from storage.trees import Trees

    settings = Settings(
        source=source,
        cache=cache_dir(),
        environment=EnvironmentSettings(sandbox="docker"),
    )
    with open_store(store) as opened:
        repository = fetch(settings, Trees(settings.cache), opened)
        packed = packed_environment(repository, settings, "", opened)
    if packed.environment.sandbox != "docker":
        raise BatchError(LOCAL.format(source=source))
    backend = DockerBackend()
    image = run_interruptible(lambda: backend.push(packed.environment, place.lower()))
    if github:
        write_outputs({"image": image})
    out.print(image, highlight=False, soft_wrap=True)


def export_command(
    source: SourceArgument,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write the file in.")],
    image: ImageOption = "",
    sandbox: Annotated[
        SandboxChoice, typer.Option(help="Of which sandbox; auto is docker's, or the local one.")
    ] = SandboxChoice.auto,
    store: StoreOption = None,
) -> None:
    """Write the environment, its baseline and what its tests run as one file."""
    from forge.remote.batch.candidates import packed_environment
    from forge.remote.batch.environments import write_environment
    from forge.run.preparation import fetch
    from forge.run.settings import EnvironmentSettings, Settings
    from storage.trees import Trees

    settings = Settings(
        source=source,
        cache=cache_dir(),
        environment=EnvironmentSettings(sandbox=sandbox.value),
    )
    with open_store(store) as opened:
        repository = fetch(settings, Trees(settings.cache), opened)
        packed = packed_environment(repository, settings, image, opened)
    out.print(str(folder / write_environment(folder, packed)), highlight=False, soft_wrap=True)


def import_command(
    file: Annotated[
        Path, typer.Argument(help="What `bugfoundry env export` wrote, or the folder it is in.")
    ],
    store: StoreOption = None,
) -> None:
    """Keep an exported environment in the store; its image is pulled where it has one."""
    from forge.remote.batch.environments import read_environment
    from forge.remote.batch.ingestion import keep_environment
    from harness.sandboxes.docker_backend import DockerBackend

    packed = read_environment(the_file(file))
    if packed.image:
        handle = run_interruptible(lambda: DockerBackend().pull(packed.image))
        packed = replace(packed, environment=replace(packed.environment, handle=handle))
    with open_store(store) as opened:
        keep_environment(packed, opened)
        if packed.image:
            opened.add_environment(packed.environment)
    out.print(
        f"{packed.repository.key}: environment {packed.environment.id}, "
        f"{len(packed.baseline.green)} tests serve",
        highlight=False,
        soft_wrap=True,
    )


def the_file(place: Path) -> Path:
    """Return the one exported environment of a folder; a file as it is. Raises BatchError."""
    if not place.is_dir():
        return place
    found = sorted(place.glob("environment-*.jsonl.gz"))
    if len(found) != 1:
        raise BatchError(f"{place} holds {len(found)} exported environments; name the file")
    return found[0]

"""``bugfoundry images``: Docker images."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.options import StoreOption, err, open_store, out, show_progress
from harness.sandboxes.base_image import DEFAULT_TAG
from storage.errors import SandboxError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.sandboxes.garbage import Garbage

app = typer.Typer(
    help="Docker images, and the folders of local environments.", no_args_is_help=True
)


@app.callback()
def images() -> None:
    """Docker images, and the folders of local environments."""


@app.command("base")
def base_command(
    tag: Annotated[str, typer.Option(help="Name of the image.")] = DEFAULT_TAG,
) -> None:
    """Make a Debian base image with debootstrap, where no image registry can be reached.

    Needs root and debootstrap. Environments use it when it is there.
    """
    from harness.sandboxes.base_image import make_base_image

    with show_progress(is_live=False) as reporter:
        image = make_base_image(tag, on_step=reporter.stage)
    err.print(f"{tag} is {image}", highlight=False)


@app.command("gc")
def gc_command(
    store: StoreOption = None,
    older_than: Annotated[
        float, typer.Option(help="Spare what is younger than this many days.", min=0)
    ] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove the environments that the store does not know, and layers that none is built on.

    An environment that is needed again is built again.
    """
    from harness.sandboxes.base_image import connect
    from harness.sandboxes.garbage import docker_garbage, local_garbage, remove

    before = time.time() - older_than * 86400
    with open_store(store) as opened:
        images, folders = opened.handles("docker"), opened.handles("local")
    found = local_garbage(cache_dir(), keep=folders, before=before)
    client: DockerClient | None = None
    with suppress(SandboxError):
        client = connect()
        found += docker_garbage(client, keep=images, before=before)
    gone: list[Garbage] = []
    for each in found:
        if dry_run or remove(each, client):
            gone.append(each)
            out.print(f"{each.name}  {each.size / 1e6:.0f} MB", highlight=False, markup=False)
    verb = "would go" if dry_run else "gone"
    total = sum(each.size for each in gone) / 1e6
    out.print(f"{len(gone)} {verb}, {total:.0f} MB", highlight=False)

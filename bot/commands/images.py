"""``bugfoundry images``: Docker images."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.options import err
from harness.base_image import DEFAULT_TAG, make_base_image

app = typer.Typer(help="Docker images that environments are built on.", no_args_is_help=True)


@app.callback()
def images() -> None:
    """Docker images that environments are built on."""


@app.command("base")
def base_command(
    tag: Annotated[str, typer.Option(help="Name of the image.")] = DEFAULT_TAG,
) -> None:
    """Make a Debian base image with debootstrap, where no image registry can be reached.

    Needs root and debootstrap. Environments use it when it is there.
    """
    image = make_base_image(tag)
    err.print(f"{tag} is {image}", highlight=False)

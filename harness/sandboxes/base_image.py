"""A base image made on the spot, where no image registry can be reached."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from storage.errors import SandboxError
from storage.scratch import scratch_folder

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_TAG = "bugfoundry/base:py3.11"
PING_TIMEOUT = 20
ANSWER_TIMEOUT = 1500
"""Longer than any step of a build may take."""
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "gcc", "git", "libc6-dev", "python3", "python3-dev", "python3-venv")


def make_base_image(
    tag: str = DEFAULT_TAG,
    *,
    mirror: str = "http://deb.debian.org/debian",
    on_step: Callable[[str], None] = lambda text: None,
) -> str:
    """Make a Debian image with Python by debootstrap, and return its id.

    Raises SandboxError when this machine cannot: it needs root, debootstrap and a Docker engine.
    """
    if os.getuid() != 0:
        raise SandboxError("making a base image needs root; run this command with sudo")
    if shutil.which("debootstrap") is None:
        raise SandboxError(
            "making a base image needs debootstrap (Debian: apt install debootstrap)"
        )
    client = connect()
    with scratch_folder() as folder:
        root, archive = folder / "root", folder / "root.tar"
        on_step(f"{tag}: installing Debian {SUITE} by debootstrap")
        include = f"--include={','.join(PACKAGES)}"
        run_command("debootstrap", "--variant=minbase", include, SUITE, str(root), mirror)
        shutil.rmtree(root / "var" / "cache" / "apt", ignore_errors=True)
        on_step(f"{tag}: packing")
        run_command("tar", "-C", str(root), "-cf", str(archive), ".")
        on_step(f"{tag}: handing it to the Docker engine")
        name, _, version = tag.rpartition(":")
        client.api.import_image_from_file(str(archive), repository=name, tag=version)
    return str(client.images.get(tag).id)


def connect() -> DockerClient:
    """Connect to the Docker engine. Raises SandboxError when none answers."""
    import docker
    from docker.errors import DockerException

    try:
        with closing(docker.from_env(timeout=PING_TIMEOUT)) as trial:
            trial.ping()
        client = docker.from_env(timeout=ANSWER_TIMEOUT)
    except DockerException as error:
        raise SandboxError("no Docker engine answers; start one, or use --sandbox local") from error
    return client


def run_command(*command: str) -> None:
    """Run a command. Raises SandboxError with the last line it printed."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise SandboxError(f"{command[0]} failed: {lines[-1] if lines else done.returncode}")

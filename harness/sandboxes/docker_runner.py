"""The runner's archive as a container sees it, also where the engine does not see ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError
from docker.types import Mount

from harness.runner_archive import INSIDE
from harness.sandboxes.docker_build import single

UNSEEN = "bind source path does not exist"


def make_bind_mount(runner: Path) -> Mount:
    """Return the mount of our own file: an engine on the same machine sees it."""
    return Mount(INSIDE, str(runner), type="bind", read_only=True)


def is_unseen(error: Exception) -> bool:
    """Tell whether the engine does not see our files: it is elsewhere, or we are in a container."""
    return isinstance(error, APIError) and UNSEEN in str(error)


def make_volume_mount(
    client: DockerClient, image: str, runner: Path, labels: dict[str, str]
) -> Mount:
    """Return the mount of a volume that the file was put into, one for each version of it."""
    data, folder = runner.read_bytes(), Path(INSIDE).parent
    name = f"bugfoundry-runner-{hashlib.sha256(data).hexdigest()[:16]}"
    container = client.containers.create(
        image,
        mounts=[Mount(str(folder), name, type="volume")],
        network_mode="none",
        labels=labels,
    )
    try:
        # Two that do this at once put the same there.
        container.put_archive(str(folder), single(Path(INSIDE).name, data))
    finally:
        container.remove(force=True)
    return Mount(str(folder), name, type="volume", read_only=True)

"""Find the images and folders that no environment needs any more, and remove them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from docker import DockerClient
from docker.errors import DockerException
from docker.models.images import Image

from harness.sandboxes.docker_layers import DEPENDENCIES, ENVIRONMENT, LABEL, SYSTEM
from harness.sandboxes.local_backend import size_of
from harness.sandboxes.workplaces import is_used
from storage.locks import hold_lock
from storage.whole_files import name_lock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """One thing that can go. ``size`` is in bytes; of an image, what it adds to the one below."""

    kind: Literal["image", "folder"]
    name: str
    handle: str
    size: int


def docker_garbage(client: DockerClient, *, keep: Collection[str], before: float) -> list[Garbage]:
    """Return the images that no kept environment is or is built on, dependents first.

    ``keep`` holds the ids of environments' images; what was made after ``before`` (seconds since
    1970) stays, with all that it is built on.
    """
    images = client.images.list(filters={"label": f"{LABEL}key"})
    kept = [each for each in images if each.id in keep or read_creation_time(each) >= before]
    kept_ids = {each.id for each in kept}
    needed = {each.labels.get(f"{LABEL}dependencies") for each in kept}
    below = [each for each in images if is_of(each, DEPENDENCIES) and key_of(each) in needed]
    kept_ids |= {each.id for each in below}
    needed = {each.labels.get(f"{LABEL}system") for each in (*kept, *below)}
    kept_ids |= {each.id for each in images if is_of(each, SYSTEM) and key_of(each) in needed}
    gone = [each for each in images if each.id not in kept_ids]
    return [
        Garbage(
            kind="image",
            name=(each.tags or [each.short_id])[0],
            handle=str(each.id),
            size=own_size(client, each),
        )
        for each in sorted(gone, key=rank)
    ]


def rank(image: Image) -> int:
    """Environments go before the dependencies they are built on, and these before the system."""
    return 2 if is_of(image, SYSTEM) else 1 if is_of(image, DEPENDENCIES) else 0


def own_size(client: DockerClient, image: Image) -> int:
    """Bytes that an image adds to the one it is built on."""
    try:
        below = int(client.images.get(image.attrs["Parent"]).attrs["Size"])
    except (DockerException, KeyError, ValueError):
        below = 0
    return max(0, int(image.attrs["Size"]) - below)


def key_of(image: Image) -> str:
    return str(image.labels[f"{LABEL}key"])


def is_of(image: Image, repository: str) -> bool:
    return any(tag.startswith(f"{repository}:") for tag in image.tags)


def read_creation_time(image: Image) -> float:
    """When an image was made, in seconds since 1970."""
    text = str(image.attrs["Created"]).partition(".")[0].rstrip("Z")
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def local_garbage(cache: Path, *, keep: Collection[str], before: float) -> list[Garbage]:
    """Return the local environments' folders that are not kept, nor in use, nor younger."""
    found = []
    for root in sorted((cache / "envs").glob("*")):
        if not root.is_dir() or root.name in keep or root.stat().st_mtime >= before:
            continue
        if not is_used(root):
            found.append(
                Garbage(kind="folder", name=str(root), handle=str(root), size=size_of(root))
            )
    return found


def remove(garbage: Garbage, client: DockerClient | None) -> bool:
    """Remove one thing; say whether it is gone. What is in use stays, with a word in the log."""
    if garbage.kind == "folder":
        root = Path(garbage.handle)
        with hold_lock(name_lock(root)):
            # A sandbox may have started since it was found.
            if not is_used(root):
                shutil.rmtree(root, ignore_errors=True)
        return not root.exists()
    try:
        if client is not None:
            client.images.remove(garbage.handle, force=garbage.name.startswith(f"{ENVIRONMENT}:"))
    except DockerException as error:
        log.warning("image %s stays: %s", garbage.name, getattr(error, "explanation", error))
        return False
    return client is not None

"""Images in a registry: pushed by whoever builds them, pulled by digest by whoever judges."""

from __future__ import annotations

import re

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from storage.errors import SandboxError

BY_DIGEST = re.compile(r"[\w.:/-]+@sha256:[0-9a-f]{64}")
PLACE = re.compile(r"[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*")


def push(client: DockerClient, image: str, place: str) -> str:
    """Push an image (by its id) to ``registry/name``, and return where it can be pulled.

    By its digest, so that nobody can put another in its place. Raises SandboxError.
    """
    if not PLACE.fullmatch(place):
        raise SandboxError(
            f"{place!r} is no place for an image; write it as ghcr.io/owner/name, in small letters"
        )
    tag = image.removeprefix("sha256:")[:16]
    digest = ""
    try:
        client.api.tag(image, place, tag)
        for line in client.api.push(place, tag, stream=True, decode=True):
            if error := line.get("error"):
                raise SandboxError(f"{place} does not take the image: {error}; log in first")
            digest = str(line.get("aux", {}).get("Digest", "")) or digest
    except DockerException as error:
        raise SandboxError(f"the image cannot be pushed to {place}: {error}") from error
    if not digest:
        raise SandboxError(f"{place} did not say by which digest it keeps the image")
    return f"{place}@{digest}"


def pull(client: DockerClient, reference: str) -> str:
    """Return the id of an image that is named by its digest, pulled where it is not here.

    Raises SandboxError.
    """
    if not BY_DIGEST.fullmatch(reference):
        raise SandboxError(f"{reference!r} does not name an image by its digest")
    try:
        return str(client.images.get(reference).id)
    except ImageNotFound:
        pass
    try:
        client.api.pull(reference)
        return str(client.images.get(reference).id)
    except DockerException as error:
        raise SandboxError(f"{reference} cannot be pulled: {error}; log in first") from error

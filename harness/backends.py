"""Choose where a repository's code runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from harness.docker_backend import DockerBackend
from harness.interpreters import OWN
from harness.local import LocalBackend
from harness.sandbox import Backend, BuildFailed
from storage.errors import SandboxError

log = logging.getLogger(__name__)


def choose(
    kind: Literal["auto", "docker", "local"], *, cache: Path, base_image: str | None = None
) -> Backend:
    """Return the backend asked for.

    ``auto`` is docker where an engine answers and a base image can be had, else local.
    Raises SandboxError when docker is asked for and no engine answers.
    """
    if kind == "local":
        return LocalBackend(cache)
    try:
        backend = DockerBackend(base_image=base_image)
        if kind == "auto":
            backend.require_base(OWN)
    except (SandboxError, BuildFailed) as error:
        if kind == "docker":
            raise
        log.info("sandbox=local reason=%r", str(error))
        return LocalBackend(cache)
    return backend

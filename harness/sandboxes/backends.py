"""Choose where a repository's code runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from harness.sandboxes import bubblewrap
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.interpreters import OWN
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import Backend, BuildFailed
from storage.errors import SandboxError

log = logging.getLogger(__name__)

PLAIN = (
    "there is neither a Docker engine with a base image nor bubblewrap; install one of them, for a "
    "repository's code never runs as a plain process here"
)


def choose(
    kind: Literal["auto", "docker", "local"],
    *,
    cache: Path,
    base_image: str | None = None,
    isolated: bool = False,
) -> Backend:
    """Return the backend asked for.

    ``auto`` is docker where an engine answers and a base image can be had, else local; with
    ``isolated`` that is not a plain process. Raises SandboxError when what is asked for cannot be
    had.
    """
    if kind == "local":
        return _local(cache, isolated=isolated)
    try:
        backend = DockerBackend(base_image=base_image)
        if kind == "auto":
            backend.require_base(OWN)
    except (SandboxError, BuildFailed) as error:
        if kind == "docker":
            raise
        log.info("sandbox=local reason=%r", str(error))
        return _local(cache, isolated=isolated)
    return backend


def _local(cache: Path, *, isolated: bool) -> LocalBackend:
    if isolated and not bubblewrap.works():
        raise SandboxError(PLAIN)
    return LocalBackend(cache)

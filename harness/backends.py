"""Choose where a repository's code runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.docker_backend import DockerBackend
from harness.local import LocalBackend
from harness.sandbox import Backend
from storage.errors import SandboxError


def choose(
    kind: Literal["auto", "docker", "local"], *, cache: Path, base_image: str | None = None
) -> Backend:
    """Return the backend asked for; ``auto`` is docker where an engine answers, else local.

    Raises SandboxError when docker is asked for and no engine answers.
    """
    if kind == "local":
        return LocalBackend(cache)
    try:
        return DockerBackend(base_image=base_image)
    except SandboxError:
        if kind == "docker":
            raise
        return LocalBackend(cache)

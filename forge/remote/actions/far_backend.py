"""The sandbox of an environment that was built elsewhere: pulled here only where it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.sandbox import BuildFailed, Sandbox, SandboxLimits
from storage.records import Environment, Plan, SandboxKind

ELSEWHERE = "environments are built by GitHub Actions here"


class FarBackend:
    """A backend whose environments lie in a registry.

    A sandbox is started only for what cannot be done elsewhere: running scripts of statements, and
    compiling for another Python than ours. That needs a Docker engine.
    """

    kind: SandboxKind = "docker"

    def __init__(self, image: str) -> None:
        self._image = image
        self._docker: DockerBackend | None = None

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        """Nothing is built on this machine. Raises BuildFailed."""
        raise BuildFailed("elsewhere", ELSEWHERE)

    async def exists(self, environment: Environment) -> bool:
        """It is in the registry."""
        return True

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> Sandbox:
        """Pull the image and start a sandbox from it. Raises SandboxError."""
        if self._docker is None:
            self._docker = DockerBackend()
        handle = await self._docker.pull(self._image)
        return await self._docker.start(replace(environment, handle=handle), limits=limits)

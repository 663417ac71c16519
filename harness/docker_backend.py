"""The docker sandbox: one image per repository and commit, one container per worker."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import APIClient, DockerClient
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount, Ulimit

from harness.base_image import connect
from harness.docker_build import (
    BUILDER,
    TREE,
    USER,
    VENV,
    Builder,
    find_base,
    fixed_base,
    labels_of,
)
from harness.docker_channel import DockerChannel
from harness.local import FIXED, RUNNER
from harness.sandbox import Limits
from harness.workplaces import alive
from storage.errors import SandboxError
from storage.records import Environment, Plan, SandboxKind, digest

log = logging.getLogger(__name__)

INSIDE = "/run/bugfoundry/runner.py"
OWNER = "bugfoundry.sandbox"
IMAGES = "bugfoundry/env"


class DockerBackend:
    """Builds images and starts containers through the Docker engine."""

    kind: SandboxKind = "docker"

    def __init__(
        self,
        *,
        base_image: str | None = None,
        build_network: str = "host",
        runner: Path = RUNNER,
        client: DockerClient | None = None,
    ) -> None:
        self._client = client or connect()
        self._base_image = base_image
        self._build_network = build_network
        self._runner = runner

    def require_base(self, python: str) -> None:
        """Find or pull the base image for a Python. Raises BuildFailed when there is none."""
        find_base(self._client, self._base_image, python)

    def base_python(self) -> str | None:
        """Version of the base image's Python, where one is named or made here; else None."""
        image = fixed_base(self._client, self._base_image)
        if image is None:
            return None
        told = self._client.containers.run(
            str(image.id),
            ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            remove=True,
            network_mode="none",
        )
        return str(told.decode().strip())

    async def build(
        self, checkout: Path, tree: str, plan: Plan, *, env: Mapping[str, str]
    ) -> Environment:
        """Install a copy of ``checkout`` into an image as ``plan`` says. Raises BuildFailed."""
        return await asyncio.to_thread(self._build, checkout, tree, plan, env)

    def _build(self, checkout: Path, tree: str, plan: Plan, env: Mapping[str, str]) -> Environment:
        base = find_base(self._client, self._base_image, plan.python)
        steps = json.dumps([plan.python, plan.install, plan.env])
        key = digest(tree, steps, str(base.id))[:16]
        found = self._find(key)
        if found is None:
            found = self._install(checkout, tree, plan, key, env, base)
        built = json.loads(found.labels["bugfoundry.built"])
        return Environment(
            tree=tree,
            plan=plan,
            sandbox=self.kind,
            python=built["python"],
            lock=built["lock"],
            base=str(base.id),
            arch=str(base.attrs.get("Architecture", "")),
            handle=str(found.id),
        )

    def _find(self, key: str) -> Any:
        try:
            return self._client.images.get(f"{IMAGES}:{key}")
        except ImageNotFound:
            return None

    def _install(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        key: str,
        env: Mapping[str, str],
        base: Any,
    ) -> Any:
        builder = Builder(self._client, base, env, network=self._build_network)
        try:
            python, lock = builder.install(checkout, plan)
            labels = labels_of(tree, plan, key, {"python": python, "lock": lock})
            return self._client.images.get(builder.commit(IMAGES, key, labels))
        finally:
            builder.close()

    async def exists(self, environment: Environment) -> bool:
        """Say whether the image is still there."""
        try:
            await asyncio.to_thread(self._client.images.get, environment.handle)
        except ImageNotFound:
            return False
        return True

    async def start(self, environment: Environment, *, limits: Limits) -> DockerSandbox:
        """Start a container: no network, its own tree. Raises SandboxError."""
        return await asyncio.to_thread(self._start, environment, limits)

    def _start(self, environment: Environment, limits: Limits) -> DockerSandbox:
        try:
            self._sweep()
            container = self._client.containers.run(
                environment.handle,
                command=["sleep", "infinity"],
                detach=True,
                **container_arguments(limits, self._runner, environment.plan.env),
            )
        except DockerException as error:
            raise SandboxError(f"a container cannot be started: {error}") from error
        return DockerSandbox(container, self._client.api)

    def _sweep(self) -> None:
        """Remove containers whose owners are gone."""
        for label in (OWNER, BUILDER):
            found = self._client.containers.list(
                all=True, filters={"label": label}, ignore_removed=True
            )
            for container in found:
                if not alive(container.labels[label]):
                    remove(container)


def container_arguments(
    limits: Limits, runner: Path, env: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Turn limits into the engine's arguments: what a container may use and see."""
    return {
        "network_mode": "none",
        "user": str(USER),
        "working_dir": TREE,
        "environment": {**FIXED, **dict(env), "VIRTUAL_ENV": VENV},
        "read_only": True,
        "tmpfs": {"/tmp": f"exec,mode=1777,size={limits.tmp_mb}m"},
        "mounts": [
            Mount(TREE, None, type="volume"),
            Mount(INSIDE, str(runner), type="bind", read_only=True),
        ],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.pids,
        "mem_limit": f"{limits.memory_mb}m",
        "memswap_limit": f"{limits.memory_mb}m",
        "shm_size": f"{limits.tmp_mb}m",
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=limits.file_size_mb << 20, hard=limits.file_size_mb << 20),
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
        ],
        "init": True,
        "labels": {OWNER: str(os.getpid())},
    }


def remove(container: Container) -> None:
    """Kill and remove a container with its volume. Never raises; one that is gone is no fault."""
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except DockerException as error:
        if "already in progress" not in str(error):
            log.warning("container %s could not be removed: %s", container.short_id, error)


class DockerSandbox:
    """One container; the runner starts in it by an exec."""

    def __init__(self, container: Container, api: APIClient) -> None:
        self._container = container
        self._api = api
        self._channels: list[DockerChannel] = []

    async def runner(self) -> DockerChannel:
        """Start the runner; one that was closed left a stopped container. Raises SandboxError."""
        try:
            if self._channels:
                await asyncio.to_thread(self._container.start)
            raw = await asyncio.to_thread(self._exec)
        except DockerException as error:
            raise SandboxError(f"the runner cannot be started: {error}") from error
        channel = DockerChannel(self._container, raw)
        self._channels.append(channel)
        return channel

    def _exec(self) -> socket.socket:
        command = [f"{VENV}/bin/python", INSIDE, "serve"]
        made = self._api.exec_create(self._container.id, command, stdin=True, workdir=TREE)
        stream = self._api.exec_start(made["Id"], socket=True)
        raw = getattr(stream, "_sock", stream)
        assert isinstance(raw, socket.socket)
        kept = raw.dup()
        stream.close()
        raw.close()
        return kept

    async def close(self) -> None:
        """Kill what runs in it and remove it."""
        for channel in self._channels:
            channel.disconnect()
        await asyncio.to_thread(remove, self._container)

"""The docker sandbox: one image per repository and commit, one container per worker."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

from docker import APIClient, DockerClient
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from harness.runner_archive import INSIDE, find_archive
from harness.sandboxes.base_image import connect
from harness.sandboxes.cancellation import stoppable
from harness.sandboxes.docker_build import TREE, USER, VENV, find_base, fixed_base
from harness.sandboxes.docker_channel import DockerChannel
from harness.sandboxes.docker_layers import LABEL, Layers
from harness.sandboxes.docker_owners import BUILDER, OWNER, is_left_behind, make_owner_labels
from harness.sandboxes.docker_registry import pull, push
from harness.sandboxes.docker_runner import is_unseen, make_bind_mount, make_volume_mount
from harness.sandboxes.limits import container_arguments
from harness.sandboxes.local_sandbox import FIXED
from harness.sandboxes.sandbox import SandboxLimits
from harness.sandboxes.work_tree import frame_archive, make_unpack_command, megabytes
from storage.errors import SandboxError
from storage.paths import cache_dir
from storage.records import Environment, Plan, SandboxKind

log = logging.getLogger(__name__)


class DockerBackend:
    """Builds images and starts containers through the Docker engine."""

    kind: SandboxKind = "docker"

    def __init__(
        self,
        *,
        base_image: str | None = None,
        build_network: str = "host",
        runner: Path | None = None,
        client: DockerClient | None = None,
    ) -> None:
        self._client = client or connect()
        self._base_image = base_image
        self._build_network = build_network
        self._runner = runner or find_archive(cache_dir())
        self._archive: tuple[str, bytes] | None = None
        self._mount = make_bind_mount(self._runner)

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
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        """Install a copy of ``checkout`` into an image as ``plan`` says; cancelled, it ends that.

        Raises BuildFailed.
        """
        return await stoppable(lambda: self._build(checkout, tree, plan, env, fresh))

    def _build(
        self, checkout: Path, tree: str, plan: Plan, env: Mapping[str, str], fresh: bool
    ) -> Environment:
        base = find_base(self._client, self._base_image, plan.python)
        layers = Layers(client=self._client, env=env, network=self._build_network, fresh=fresh)
        image = layers.environment(base, checkout, tree, plan)
        return Environment(
            tree=tree,
            plan=plan,
            sandbox=self.kind,
            python=image.labels[f"{LABEL}python"],
            lock="\n".join(image.labels[f"{LABEL}lock"].split()),
            base=str(base.id),
            arch=str(base.attrs.get("Architecture", "")),
            handle=str(image.id),
            seconds=float(image.labels[f"{LABEL}seconds"]),
            size=max(0, int(image.attrs["Size"]) - int(base.attrs["Size"])),
        )

    async def exists(self, environment: Environment) -> bool:
        """Say whether the image is still there."""
        try:
            await asyncio.to_thread(self._client.images.get, environment.handle)
        except ImageNotFound:
            return False
        return True

    async def push(self, environment: Environment, place: str) -> str:
        """Push its image to ``registry/name``; return where to pull it. Raises SandboxError."""
        return await asyncio.to_thread(push, self._client, environment.handle, place)

    async def pull(self, reference: str) -> str:
        """Return the id of an image named by its digest, pulled if need be. Raises SandboxError."""
        return await asyncio.to_thread(pull, self._client, reference)

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> DockerSandbox:
        """Start a container: no network, its own tree. Raises SandboxError."""
        return await asyncio.to_thread(self._start, environment, limits)

    def _start(self, environment: Environment, limits: SandboxLimits) -> DockerSandbox:
        try:
            self._sweep()
            archive = self._pack_tree(environment.handle)
            try:
                container = self._run_container(environment, limits, archive)
            except DockerException as error:
                if not is_unseen(error):
                    raise
                self._mount = make_volume_mount(
                    self._client, environment.handle, self._runner, make_owner_labels(OWNER)
                )
                container = self._run_container(environment, limits, archive)
        except DockerException as error:
            raise SandboxError(f"a container cannot be started: {error}") from error
        return DockerSandbox(container, self._client.api, archive)

    def _run_container(
        self, environment: Environment, limits: SandboxLimits, archive: bytes
    ) -> Container:
        return self._client.containers.run(
            environment.handle,
            command=["sleep", "infinity"],
            detach=True,
            working_dir="/",
            environment={**FIXED, **dict(environment.plan.env), "VIRTUAL_ENV": VENV},
            mounts=[self._mount],
            labels=make_owner_labels(OWNER),
            **container_arguments(limits, user=USER, tree=TREE, tree_mb=megabytes(archive)),
        )

    def _pack_tree(self, image: str) -> bytes:
        """The image's work tree as it goes into each sandbox, packed once."""
        kept = self._archive
        # Threads start sandboxes side by side, and not all of one image.
        if kept is None or kept[0] != image:
            container = self._client.containers.create(
                image, labels=make_owner_labels(OWNER), network_mode="none"
            )
            try:
                chunks, _ = container.get_archive(TREE)
                kept = self._archive = (image, b"".join(chunks))
            finally:
                remove(container)
        return kept[1]

    def _sweep(self) -> None:
        """Remove containers whose owners are gone."""
        for label in (OWNER, BUILDER):
            found = self._client.containers.list(
                all=True, filters={"label": label}, ignore_removed=True
            )
            for container in found:
                if is_left_behind(container.labels, label):
                    remove(container)


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

    def __init__(self, container: Container, api: APIClient, archive: bytes) -> None:
        self._container = container
        self._api = api
        self._archive = archive
        self._channels: list[DockerChannel] = []

    @property
    def tree(self) -> str:
        """The same in every container."""
        return TREE

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
        await channel.write(frame_archive(self._archive))
        return channel

    def _exec(self) -> socket.socket:
        runner = [INSIDE, "serve", "/tmp", "/dev/shm"]
        command = make_unpack_command(f"{VENV}/bin/python", "/", runner, start=TREE)
        made = self._api.exec_create(self._container.id, command, stdin=True)
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

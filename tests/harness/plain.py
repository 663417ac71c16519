"""Test furniture: a backend whose sandbox is a copy of a folder and a plain process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.runner_archive import find_archive
from harness.sandboxes.process import ProcessChannel
from harness.sandboxes.sandbox import Channel, Sandbox, SandboxLimits
from storage.errors import SandboxError
from storage.paths import cache_dir
from storage.records import Environment, Plan, SandboxKind

Wrap = Callable[[Channel, int], Channel]


async def start_plain(tree: Path, tmp: Path, **env: str) -> ProcessChannel:
    """Start the runner as a child process in a tree, with this very Python.

    It loads no plugins of pytest: our own environment's are many, and slow to import.
    """
    tmp.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(find_archive(cache_dir())),
        "serve",
        cwd=tree,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TMPDIR": str(tmp),
            **env,
        },
    )
    return ProcessChannel(process)


class PlainSandbox:
    """A copy of the project; ``wrap`` lets a test stand between it and the engine."""

    def __init__(self, place: Path, number: int, wrap: Wrap) -> None:
        self._place = place
        self._number = number
        self._wrap = wrap
        self._channel: ProcessChannel | None = None

    @property
    def tree(self) -> str:
        return str(self._place / "tree")

    async def runner(self) -> Channel:
        self._channel = await start_plain(self._place / "tree", self._place / "tmp")
        return self._wrap(self._channel, self._number)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
        await asyncio.to_thread(shutil.rmtree, self._place)


class PlainBackend:
    """Starts sandboxes from a folder, and counts them."""

    kind: SandboxKind = "local"

    def __init__(
        self, project: Path, places: Path, *, wrap: Wrap = lambda channel, number: channel
    ) -> None:
        self._project = project
        self._wrap = wrap
        self.places = places
        self.started = 0
        self.broken = False

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        return make_environment(plan)

    async def exists(self, environment: Environment) -> bool:
        return True

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> Sandbox:
        if self.broken:
            raise SandboxError("no sandbox can be had")
        self.started += 1
        place = self.places / str(self.started)
        await asyncio.to_thread(shutil.copytree, self._project, place / "tree")
        return PlainSandbox(place, self.started, self._wrap)


def make_environment(plan: Plan | None = None) -> Environment:
    """An environment that is nothing but this Python."""
    return Environment(
        tree="0" * 40,
        plan=plan or Plan(name="plain", python="3.11", install=()),
        sandbox="local",
        python="3.11",
        lock="",
        base="",
        arch="",
        handle="plain",
    )

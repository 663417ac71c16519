"""Sandboxes looked at from inside, by the probe runner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from harness.sandboxes.sandbox import Backend, SandboxLimits
from storage.records import Environment, Plan
from tests.furniture.project import write_project

PROBE = Path(__file__).with_name("probe_runner.py")
SMALL = SandboxLimits(memory_mb=512, pids=40, file_size_mb=8, tmp_mb=16)
EDITABLE = (("-e", ".", "pytest"),)


def plan(*install: tuple[str, ...], python: str = "3.11", **env: str) -> Plan:
    """A plan for the sample project."""
    return Plan(name="probe", python=python, install=install, env=tuple(sorted(env.items())))


async def build(backend: Backend, folder: Path, wanted: Plan, **env: str) -> Environment:
    """Build the sample project; without install steps this needs no package index."""
    checkout = folder if (folder / "pyproject.toml").exists() else write_project(folder)
    return await backend.build(checkout, "0" * 40, wanted, env=env)


class Probe:
    """One sandbox with its runner."""

    def __init__(self, sandbox: Any, channel: Any) -> None:
        self.sandbox = sandbox
        self.channel = channel

    async def run(self, code: str, *, timeout: float = 120) -> Any:
        """Run code inside; return its ``result``, or the frame that names its exception."""
        await self.channel.send({"code": dedent(code)})
        frame = await self.channel.receive(timeout=timeout)
        return frame.get("result", frame)


@asynccontextmanager
async def probing(
    backend: Backend, environment: Environment, *, limits: SandboxLimits = SMALL
) -> AsyncIterator[Probe]:
    """A sandbox with its runner, thrown away at the end."""
    sandbox = await backend.start(environment, limits=limits)
    try:
        yield Probe(sandbox, await sandbox.runner())
    finally:
        await sandbox.close()

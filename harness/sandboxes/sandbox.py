"""What a sandbox is: a place with its own copy of the work tree, where untrusted code runs.

A backend builds environments and starts sandboxes from them. Everything above this module
talks to a sandbox only through the runner (``harness/runner/``), over a channel of frames.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from harness.sandboxes.limits import SandboxLimits
from storage.errors import BugfoundryError, SandboxError
from storage.records import Environment, Plan, SandboxKind

__all__ = ["Backend", "BuildFailed", "Channel", "Frame", "Sandbox", "SandboxLimits", "start"]

Frame = dict[str, Any]
"""One message to or from the runner: a JSON object behind a 4-byte big-endian length."""
ERROR = re.compile(r"(?i)(?:\w*error|fatal)\b")


class BuildFailed(BugfoundryError):
    """A plan that cannot be installed. ``reason`` is named, ``detail`` the end of the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {find_error_line(detail)}")
        self.reason = reason
        self.detail = detail


def find_error_line(log: str) -> str:
    """Return the line of a log that says most: the last that tells an error, or has a word."""
    lines = [line.strip() for line in reversed(log.splitlines())]
    errors = (line for line in lines if ERROR.match(line))
    return next(errors, next((line for line in lines if re.search(r"\w\w", line)), ""))


class Channel(Protocol):
    """Frames to and from one runner process inside a sandbox."""

    async def send(self, frame: Frame) -> None:
        """Send one frame. Raises SandboxError when the runner is gone."""

    async def receive(self, *, timeout: float) -> Frame:
        """Return the next frame. Raises TimeoutError, or SandboxError when the runner is gone."""

    async def close(self) -> None:
        """End the runner. Never raises."""


class Sandbox(Protocol):
    """One running sandbox. Its tree is its own: no other worker sees what is written there."""

    @property
    def tree(self) -> str:
        """Where the work tree is, as what runs inside sees it."""

    async def runner(self) -> Channel:
        """Start the runner in it (``python runner.zip serve``, in the work tree)."""

    async def close(self) -> None:
        """Throw it away with all that ran in it. Never raises."""


class Backend(Protocol):
    """Builds environments and starts sandboxes: docker or local."""

    kind: SandboxKind

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        """Install a copy of ``checkout`` as ``plan`` says; ``env`` is for the build only.

        Idempotent: the same tree and plan give back what was built before, where it still
        exists; ``fresh`` builds it anew. Raises BuildFailed.
        """

    async def exists(self, environment: Environment) -> bool:
        """Say whether the environment's image or folder is still there."""

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> Sandbox:
        """Start a fresh sandbox: no network, its own tree. Raises SandboxError."""


async def start(backend: Backend, environment: Environment, limits: SandboxLimits) -> Sandbox:
    """Start a sandbox; cancelled on the way, throw it away once it is there.

    Raises SandboxError.
    """
    starting = asyncio.ensure_future(backend.start(environment, limits=limits))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(SandboxError):
            await (await starting).close()
        raise

"""Run a script in a sandbox: with a bug's files and without them, for what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.judge.worker import SandboxWorker
from harness.runs.suite import GRACE, encode
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.sandbox import Backend, Channel, Frame
from storage.errors import SandboxError
from storage.layouts import lay_out
from storage.records import Environment

TIMEOUT = 20.0
"""Seconds that a script may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRun:
    """How a script ended, and what it printed on both streams: of much, the two ends."""

    exit: int | None
    """Negative for a signal; None when it took too long."""
    output: str


class Scripts:
    """Runs scripts in one sandbox, started for the first, by the limits that tests have."""

    def __init__(
        self,
        backend: Backend,
        environment: Environment,
        limits: SandboxLimits,
        *,
        read: Callable[[str], bytes | None] = lambda path: None,
    ) -> None:
        self._read = read
        self._worker = SandboxWorker(backend, environment, limits)
        self._free = asyncio.Lock()

    async def run_script(
        self, files: Mapping[str, bytes | None], script: str, *, timeout: float = TIMEOUT
    ) -> ScriptRun:
        """Run a script in the work tree with these files in it. Raises SandboxError."""
        async with self._free:
            answer = await self._answer(files, script, timeout)
        if answer.get("error"):
            raise SandboxError(f"the script could not be run: {answer['error']}")
        code = answer.get("exit")
        return ScriptRun(
            exit=code if isinstance(code, int) else None, output=str(answer.get("output", ""))
        )

    async def _answer(
        self, files: Mapping[str, bytes | None], script: str, timeout: float
    ) -> Frame:
        """Have the runner run it; a sandbox that is not whole afterwards is thrown away."""
        restored = False
        try:
            channel = await self._worker.channel()
            laid = await asyncio.to_thread(lay_out, self._read, files)
            answer = await send_script(channel, laid, script, timeout)
            restored = bool(answer.get("restored"))
            return answer
        finally:
            if not restored:
                await self._worker.discard()

    async def close(self) -> None:
        """Throw the sandbox away, where one was started."""
        await self._worker.discard()


async def send_script(
    channel: Channel, files: Mapping[str, bytes | None], script: str, timeout: float
) -> Frame:
    """Have the runner run a script, and return its answer."""
    await channel.send(
        {
            "op": "script",
            "files": {path: encode(data) for path, data in files.items()},
            "script": script,
            "timeout": timeout,
        }
    )
    try:
        while True:
            frame = await channel.receive(timeout=timeout + GRACE)
            if frame.get("event") == "script":
                return frame
    except TimeoutError as error:
        raise SandboxError("the runner did not answer in time") from error

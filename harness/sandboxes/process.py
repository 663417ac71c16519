"""A runner as a process on this machine: frames over its standard input and output."""

from __future__ import annotations

import asyncio
import json
import resource
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from harness.sandboxes.control_groups import ControlGroup
from harness.sandboxes.limits import resource_limits
from harness.sandboxes.process_tree import kill_tree
from harness.sandboxes.sandbox import Frame, SandboxLimits
from storage.errors import SandboxError

FRAME_LIMIT = 4 << 20
"""Bytes of one frame from the runner, which splits what is longer (``harness/runner/parts.py``)."""
REQUEST_LIMIT = 1 << 30
"""Bytes of one frame to the runner: about those of the largest file that a request may carry."""
STDERR_LIMIT = 2000
CLOSE_TIMEOUT = 5
HEAD = struct.Struct(">I")


def encode(frame: Frame) -> bytes:
    """Encode one frame as the runner reads it. Raises SandboxError where it is too long."""
    body = json.dumps(frame).encode()
    if len(body) > REQUEST_LIMIT:
        raise SandboxError(
            f"a request {frame.get('op')!r} of {len(body) >> 20} MiB is over REQUEST_LIMIT "
            f"({REQUEST_LIMIT >> 20} MiB)"
        )
    return HEAD.pack(len(body)) + body


def decode_length(head: bytes) -> int:
    """Return the length of a frame's body. Raises SandboxError when it cannot be one."""
    (length,) = HEAD.unpack(head)
    if length > FRAME_LIMIT:
        raise SandboxError(
            f"the runner sent a frame of {length} bytes, over FRAME_LIMIT ({FRAME_LIMIT} bytes)"
        )
    return int(length)


def decode(body: bytes) -> Frame:
    """Decode one frame's body. Raises SandboxError when it is no JSON object."""
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise SandboxError("the runner sent a frame that is not JSON") from error
    if not isinstance(frame, dict):
        raise SandboxError("the runner sent a frame that is not an object")
    return frame


class ProcessChannel:
    """Frames to and from a runner that is a child process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        mark: str = "",
        group: ControlGroup | None = None,
    ) -> None:
        self._process = process
        self._group = group
        self._mark = mark
        self._stderr = b""
        self._watching = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        assert self._process.stderr is not None
        while part := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + part)[-STDERR_LIMIT:]

    def _make_exit_error(self) -> SandboxError:
        lines = self._stderr.decode(errors="replace").strip().splitlines()
        if self._group is not None and self._group.out_of_memory():
            lines.append("its memory ran out")
        return SandboxError(f"the runner ended early: {lines[-1] if lines else 'no word from it'}")

    async def send(self, frame: Frame) -> None:
        """Send one frame. Raises SandboxError when the runner is gone."""
        await self.write(encode(frame))

    async def write(self, data: bytes) -> None:
        """Write to its standard input. Raises SandboxError when the runner is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise self._make_exit_error() from error

    async def receive(self, *, timeout: float) -> Frame:
        """Return the next frame. Raises TimeoutError, or SandboxError when the runner is gone."""
        async with asyncio.timeout(timeout):
            return await self._next()

    async def _next(self) -> Frame:
        assert self._process.stdout is not None
        try:
            head = await self._process.stdout.readexactly(HEAD.size)
            return decode(await self._process.stdout.readexactly(decode_length(head)))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._watching), 1)
            raise self._make_exit_error() from error

    async def close(self) -> None:
        """Kill the runner with all that it started."""
        alive = self._process.returncode is None
        await asyncio.to_thread(kill_tree, self._process.pid if alive else None, mark=self._mark)
        with suppress(TimeoutError, ConnectionError, RuntimeError):
            await asyncio.wait_for(self._finish(), CLOSE_TIMEOUT)
        # Pipes that did not come to their end in time would outlive an event loop that ends now.
        self._process._transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        if self._group is not None:
            await asyncio.to_thread(self._group.close)
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    async def _finish(self) -> None:
        """Read the pipes to their end: only then are they closed."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(1 << 16):
            continue
        await self._watching
        await self._process.wait()
        await asyncio.sleep(0)


def make_limiter(
    limits: SandboxLimits, *, user: int, group: ControlGroup | None
) -> Callable[[], None]:
    """Return what a child calls before it becomes the runner.

    The kernel holds no limit of processes against root, and counts those of one user together;
    a control group has neither fault.
    """

    def limit() -> None:
        if group is not None:
            group.enter()
        for which, wanted in found.items():
            set_limit(which, wanted)

    found = resource_limits(limits, others=threads_of(user))
    return limit


def threads_of(user: int) -> int:
    """Count the threads a user has now: the kernel's limit counts them with the new ones."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if int(fields["Uid"].split()[0]) == user:
                total += int(fields["Threads"])
    return total


def set_limit(which: int, wanted: int) -> None:
    """Lower a limit; one that the host holds lower still stays."""
    _, hard = resource.getrlimit(which)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (value, value))


async def start_runner(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    limits: SandboxLimits,
    user: int,
    mark: str = "",
    group: ControlGroup | None = None,
    kept: Sequence[int] = (),
    first: bytes = b"",
) -> ProcessChannel:
    """Start a runner in a session of its own, with limits. Raises SandboxError.

    ``user`` is whose processes it will be; ``mark`` a value in ``env`` that is its alone.
    ``kept`` are descriptors it inherits, ``first`` is what goes to its standard input before any
    frame.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            pass_fds=tuple(kept),
            preexec_fn=make_limiter(limits, user=user, group=group),
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise SandboxError(f"cannot start {command[0]}: {told}") from error
    channel = ProcessChannel(process, mark=mark, group=group)
    if first:
        await channel.write(first)
    return channel

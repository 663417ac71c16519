"""A runner inside a container: frames over the attached socket of an exec."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from docker.errors import DockerException
from docker.models.containers import Container

from harness.sandboxes.process import HEAD, STDERR_LIMIT, decode, decode_length, encode
from harness.sandboxes.sandbox import Frame
from storage.errors import SandboxError

STREAM = struct.Struct(">BxxxI")
"""Before each piece of output: which stream it is of, and its length.

https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach
"""
STDERR = 2


class DockerChannel:
    """Frames to and from one runner that was started by an exec."""

    def __init__(self, container: Container, raw: socket.socket) -> None:
        self._container = container
        self._raw = raw
        self._raw.setblocking(False)
        self._output = bytearray()
        self._stderr = b""

    async def send(self, frame: Frame) -> None:
        """Send one frame. Raises SandboxError when the runner is gone."""
        await self.write(encode(frame))

    async def write(self, data: bytes) -> None:
        """Write to its standard input. Raises SandboxError when the runner is gone."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._raw, data)
        except OSError as error:
            raise self._make_exit_error() from error

    async def receive(self, *, timeout: float) -> Frame:
        """Return the next frame. Raises TimeoutError, or SandboxError when the runner is gone."""
        async with asyncio.timeout(timeout):
            length = decode_length(await self._read_output(HEAD.size))
            return decode(await self._read_output(length))

    async def _read_output(self, size: int) -> bytes:
        while len(self._output) < size:
            kind, length = STREAM.unpack(await self._read_exactly(STREAM.size))
            piece = await self._read_exactly(length)
            if kind == STDERR:
                self._stderr = (self._stderr + piece)[-STDERR_LIMIT:]
            else:
                self._output += piece
        taken = bytes(self._output[:size])
        del self._output[:size]
        return taken

    async def _read_exactly(self, size: int) -> bytes:
        data = bytearray()
        loop = asyncio.get_running_loop()
        while len(data) < size:
            try:
                part = await loop.sock_recv(self._raw, size - len(data))
            except OSError as error:
                raise self._make_exit_error() from error
            if not part:
                raise self._make_exit_error()
            data += part
        return bytes(data)

    def _make_exit_error(self) -> SandboxError:
        lines = self._stderr.decode(errors="replace").strip().splitlines()
        if out_of_memory(self._container):
            lines.append("its memory ran out")
        return SandboxError(f"the runner ended early: {lines[-1] if lines else 'no word from it'}")

    def disconnect(self) -> None:
        """Close our end of the socket, and nothing more."""
        self._raw.close()

    async def close(self) -> None:
        """Stop the container: what a runner started may outlive it in no other way."""
        self.disconnect()
        with suppress(DockerException):
            await asyncio.to_thread(self._container.kill)


def out_of_memory(container: Container) -> bool:
    """Say whether the kernel killed a process of a container because its memory ran out."""
    with suppress(DockerException):
        container.reload()
        return bool(container.attrs.get("State", {}).get("OOMKilled"))
    return False

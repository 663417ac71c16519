"""Lay the work tree into a sandbox's own bounded place, before the runner starts there.

A work tree on the host's disk, or in a volume, could be filled without end. So each sandbox has
an empty file system in memory, and the tree comes through the runner's standard input.
"""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path

LENGTH = struct.Struct(">Q")

UNPACK = """
import io, os, struct, sys, tarfile
def read(size):
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            sys.exit("the work tree did not come whole")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
place, start = sys.argv[1:3]
os.umask(0o022)
os.makedirs(place, exist_ok=True)
tarfile.TarFile.extraction_filter = staticmethod(lambda member, path: member)
with tarfile.open(fileobj=io.BytesIO(read(struct.unpack(">Q", read(8))[0]))) as archive:
    archive.extractall(place)
os.chdir(start)
os.execv(sys.executable, [sys.executable] + sys.argv[3:])
"""
"""Runs inside; its arguments: where to unpack, where to start, and the command that follows."""


def pack(tree: Path) -> bytes:
    """Return a folder as a tar archive, its own folders and links as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(tree, arcname=".")
    return buffer.getvalue()


def frame_archive(archive: bytes) -> bytes:
    """Return an archive as ``UNPACK`` reads it."""
    return LENGTH.pack(len(archive)) + archive


def make_unpack_command(
    python: str, place: str, command: Sequence[str], *, start: str | None = None
) -> list[str]:
    """Return the command that unpacks at ``place`` and becomes the Python ``command``.

    ``start`` is the working folder where it is not ``place``.
    """
    return [python, "-I", "-S", "-c", UNPACK, place, start or place, *command]


def megabytes(archive: bytes) -> int:
    """Size of an archive, rounded up."""
    return -(-len(archive) >> 20)

"""Where a solver can look: the files of an environment, an image or a folder, as a stream."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

from harness.leaks.archives import LARGEST_IN_ALL
from harness.leaks.search import File
from harness.sandboxes import bubblewrap
from harness.sandboxes.base_image import connect
from harness.sandboxes.docker_build import TREE
from harness.sandboxes.hidden_copies import find_hidden_copies
from harness.sandboxes.interpreters import find_interpreter
from harness.sandboxes.local_sandbox import outside_system
from storage.errors import SandboxError
from storage.records import Environment

CHUNK = 1 << 20
OWNER = "bugfoundry.sandbox"
DOCKER_TREE = TREE.lstrip("/")
LOCAL_TREE = "w00/tree"
LOCAL_VENV = "w00/venv"
INTERPRETER = "python"
"""Under which the machine's interpreter is told, which every local sandbox sees."""
GONE = "environment {handle} is gone; `bugfoundry check` builds it again"


def environment_files(environment: Environment, cache: Path) -> tuple[str, Iterator[File]]:
    """Return the folder of the work tree, and all files that a sandbox has. Raises SandboxError."""
    if environment.sandbox == "docker":
        return DOCKER_TREE, image_files(environment.handle)
    root = cache.resolve() / "envs" / environment.handle
    if not (root / "ready.json").exists():
        raise SandboxError(GONE.format(handle=environment.handle))
    places = [(root / LOCAL_TREE, LOCAL_TREE), (root / LOCAL_VENV, LOCAL_VENV)]
    prefix = find_interpreter(environment.plan.python).prefix
    if outside_system(prefix):
        places.append((prefix, INTERPRETER))
    covered = (
        {path for _, path in find_hidden_copies(root, prefix)} if bubblewrap.works() else set()
    )
    return LOCAL_TREE, (
        file for place, name in places for file in folder_files(place, name, covered)
    )


def folder_files(
    root: Path, prefix: str = "", covered: Collection[Path] = frozenset()
) -> Iterator[File]:
    """Yield the files below a folder, by their paths there; links are not followed.

    ``covered`` are files and folders that a sandbox does not see.
    """
    for current, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if Path(current, name) not in covered)
        for name in sorted(names):
            place = Path(current, name)
            if place in covered:
                continue
            if place.is_file() and not place.is_symlink():
                with place.open("rb") as file:
                    content = file.read(LARGEST_IN_ALL)
                below = place.relative_to(root).as_posix()
                yield (f"{prefix}/{below}" if prefix else below), content


def image_files(name: str, client: DockerClient | None = None) -> Iterator[File]:
    """Yield the files of an image, of all its layers as a container sees them; nothing is started.

    Raises SandboxError when there is no such image.
    """
    try:
        container = (client or connect()).containers.create(
            name, command=["true"], network_mode="none", labels={OWNER: str(os.getpid())}
        )
    except ImageNotFound as error:
        raise SandboxError(f"no image {name} here; build it or pull it first") from error
    except DockerException as error:
        raise SandboxError(f"image {name} cannot be looked into: {error}") from error
    try:
        yield from tar_files(Chunks(export_container(container)))
    finally:
        container.remove(force=True, v=True)


def export_container(container: Container) -> Iterable[bytes]:
    """Return a container's files as a tar, in pieces."""
    return cast("Iterable[bytes]", container.export(chunk_size=CHUNK))


def tar_files(stream: Chunks) -> Iterator[File]:
    """Yield the files of a tar that is read once, from the beginning."""
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.isreg() else None
            if file is not None:
                yield entry.name.removeprefix("./").lstrip("/"), file.read(LARGEST_IN_ALL)


class Chunks:
    """Pieces of bytes as a file that can only be read on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return as many bytes as asked for, fewer at the end."""
        parts, have = [self._left], len(self._left)
        while have < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            have += len(piece)
        data = b"".join(parts)
        self._left = data[size:]
        return data[:size]

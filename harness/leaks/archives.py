"""The members of archives, archives in archives too, within limits: what comes is not trusted."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

DEEPEST = 3
LARGEST = 64 * 1024 * 1024
"""Bytes of one file; what is longer is searched as far as that."""
LARGEST_IN_ALL = 512 * 1024 * 1024
"""Bytes that one archive may come to."""
ZIP, GZIP, BZIP, XZ = b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
NOT_READ = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error,
            zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError)  # fmt: skip
"""What a broken or encrypted archive ends in: then what was read so far counts."""

Member = tuple[str, bytes]


def members(path: str, content: bytes, depth: int = 0) -> Iterator[Member]:
    """Yield what an archive holds, as ``archive!member``; nothing for what is none."""
    if depth >= DEEPEST:
        return
    for name, data in limit_members(read_archive(path, content)):
        inner = f"{path}!{name}"
        yield inner, data
        yield from members(inner, data, depth + 1)


def read_archive(path: str, content: bytes) -> Iterator[Member]:
    """Yield the members of one archive, told by its first bytes."""
    try:
        if ZIP in content[:65536]:
            yield from read_zip(content)
        elif content[257:262] == b"ustar":
            yield from read_tar(content)
        elif squeezed := decompress_content(content):
            if squeezed[257:262] == b"ustar":
                yield from read_tar(squeezed)
            else:
                yield path.rpartition("/")[2].rpartition(".")[0] or "content", squeezed
    except NOT_READ:
        return


def read_zip(content: bytes) -> Iterator[Member]:
    """Yield the files of a zip: wheels, eggs, and what lies in a cache under another name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as file:
                    yield info.filename, file.read(LARGEST)


def read_tar(content: bytes) -> Iterator[Member]:
    """Yield the files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.isfile() else None
            if file is not None:
                yield entry.name, file.read(LARGEST)


def decompress_content(content: bytes) -> bytes:
    """Return what was compressed, as much as is allowed; nothing for what is not."""
    makers: tuple[tuple[bytes, Callable[[], object]], ...] = (
        (GZIP, lambda: zlib.decompressobj(31)),
        (BZIP, bz2.BZ2Decompressor),
        (XZ, lzma.LZMADecompressor),
    )
    for mark, make in makers:
        if content.startswith(mark):
            return bytes(make().decompress(content, LARGEST_IN_ALL))  # type: ignore[attr-defined]
    return b""


def limit_members(found: Iterator[Member]) -> Iterator[Member]:
    """Yield members until they come to the limit."""
    left = LARGEST_IN_ALL
    for name, data in found:
        left -= len(data)
        if left < 0:
            return
        yield name, data

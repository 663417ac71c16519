"""Files of lines that travel: JSON, one object a line, compressed, named by their own digest.

Whoever reads one trusts nothing: the digest is checked before a byte is unpacked, and sizes are
bounded while it is. The first line says what the file is and by which schema it was written.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from storage.errors import BatchError
from storage.whole_files import write_whole_file

SCHEMA = 1
LARGEST_FILE = 512 << 20
"""Bytes of a compressed file."""
LARGEST_CONTENT = 4 << 30
"""Bytes of all lines."""
LARGEST_LINE = 256 << 20
CHUNK = 1 << 20
NAME = re.compile(r"([a-z]+)-([0-9a-f]{64})\.jsonl\.gz")

T = TypeVar("T")
Line = dict[str, Any]


def write_lines(folder: Path, kind: str, lines: Iterable[object]) -> str:
    """Write records as a file of this kind, and return its name."""
    data = pack_lines(kind, lines)
    name = name_of_data(kind, data)
    write_whole_file(folder / name, data)
    return name


def name_of(kind: str, lines: Iterable[object]) -> str:
    """Return the name of the file that `write_lines` would write: equal lines have one name."""
    return name_of_data(kind, pack_lines(kind, lines))


def name_of_data(kind: str, data: bytes) -> str:
    return f"{kind}-{hashlib.sha256(data).hexdigest()}.jsonl.gz"


def pack_lines(kind: str, lines: Iterable[object]) -> bytes:
    """Return the compressed content of a file of this kind."""
    head = {"schema": SCHEMA, "kind": kind}
    return gzip.compress(b"".join(map(to_line, (head, *lines))), 9, mtime=0)


def to_line(record: object) -> bytes:
    """Encode a record as a line, but for what is None; ASCII, so undecodable bytes survive."""
    values = {key: value for key, value in msgspec.to_builtins(record).items() if value is not None}
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def convert(value: object, kind: type[T], what: str) -> T:
    """Return the record that a decoded line stands for. Raises BatchError."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BatchError(f"{what} is not of the form that was agreed: {error}") from error


def read_lines(path: Path, kind: str) -> Iterator[Line]:
    """Yield the lines of a file of this kind, but for the first. Raises BatchError.

    A file whose content is not what its name says is refused before anything of it is used.
    """
    check_name(path, kind)
    lines = (parse_line(line, path.name) for line in unpack_lines(path))
    head = next(lines, None)
    if head is None or head.get("kind") != kind:
        raise BatchError(f"{path.name} is no file of {kind}")
    if head.get("schema") != SCHEMA:
        raise BatchError(
            f"{path.name} is of schema {head.get('schema')!r}, this bugfoundry reads {SCHEMA}; use "
            "the same version on both sides"
        )
    yield from lines


def check_name(path: Path, kind: str) -> None:
    """Check that a file is there, and is what its name says. Raises BatchError."""
    match = NAME.fullmatch(path.name)
    if match is None or match[1] != kind:
        raise BatchError(f"{path.name} is not the name of a file of {kind}")
    if not path.is_file():
        raise BatchError(f"{path} is missing")
    if path.stat().st_size > LARGEST_FILE:
        raise BatchError(f"{path.name} is larger than {LARGEST_FILE >> 20} MiB")
    if digest_of(path) != match[2]:
        raise BatchError(f"{path.name} was changed on the way: its digest is another; fetch again")


def digest_of(path: Path) -> str:
    """Return the sha256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed file, their number of bytes bounded. Raises BatchError."""
    total = 0
    try:
        with gzip.open(path, "rb") as file:
            while line := file.readline(LARGEST_LINE):
                total += len(line)
                if total > LARGEST_CONTENT or not line.endswith(b"\n"):
                    raise BatchError(f"{path.name} is cut off, or holds more than it may")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise BatchError(f"{path.name} cannot be unpacked: {error}") from error


def parse_line(line: bytes, what: str) -> Line:
    """Return the object of a line. Raises BatchError."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"{what} holds a line that is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BatchError(f"{what} holds a line that is no object")
    return found

"""What jobs uploaded, read without trusting any of it: nothing is unpacked to a path it names."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forge.remote.batch.shard_lines import LARGEST
from forge.run.nouns import format_count
from storage.errors import BatchError

SUFFIXES = (".jsonl", ".json")
PACKED = ".jsonl.gz"
MOST_MEMBERS = 8
LARGEST_ARCHIVE = 64 << 20
MOST_ARTIFACTS = 4096
RATIO = 200
"""So much smaller may an archive be than what it holds: verdicts do not repeat that much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The lines of one shard as they came, or why they cannot be had."""

    name: str
    data: bytes = b""
    fault: str = ""


def read_folder(folder: Path) -> Iterator[Artifact]:
    """Yield what lies in a folder: archives, lines, and folders of them, in order of name.

    Raises BatchError where there is no such folder.
    """
    if not folder.is_dir():
        raise BatchError(f"{folder} is no folder; download the artifacts there")
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".jsonl", ".zip"))
    for path in found[:MOST_ARTIFACTS]:
        name = str(path.relative_to(folder))
        if path.is_symlink() or not path.is_file():
            yield Artifact(name=name, fault="it is a link, or no file")
        elif path.suffix == ".zip":
            yield from read_file(path, name)
        else:
            yield read_plain(path, name)


def read_plain(path: Path, name: str) -> Artifact:
    """Read lines as they lie."""
    if path.stat().st_size > LARGEST:
        return Artifact(name=name, fault=f"it is larger than {LARGEST >> 20} MiB")
    return Artifact(name=name, data=path.read_bytes())


def read_file(path: Path, name: str) -> list[Artifact]:
    """Read an archive."""
    if path.stat().st_size > LARGEST_ARCHIVE:
        return [Artifact(name=name, fault=f"it is larger than {LARGEST_ARCHIVE >> 20} MiB")]
    return read_archive(path.read_bytes(), name)


def read_archive(data: bytes, name: str) -> list[Artifact]:
    """Return the lines that an archive holds; a fault where anything in it is wrong."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            check(members, len(data))
            return [
                Artifact(name=f"{name}:{each.filename}", data=read_member(archive, each))
                for each in sorted(members, key=lambda each: each.filename)
            ]
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, zlib.error) as error:
        return [Artifact(name=name, fault=f"it cannot be unpacked: {error}")]
    except (BatchError, NotImplementedError) as error:
        return [Artifact(name=name, fault=str(error))]


def unpack_one(data: bytes, folder: Path) -> Path:
    """Unpack the one file of an archive into a folder, and return it. Raises BatchError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            check(members, len(data), suffixes=(PACKED,))
            if len(members) != 1:
                raise BatchError(f"it holds {format_count(len(members), 'file')} instead of one")
            place = folder / members[0].filename
            place.write_bytes(read_member(archive, members[0]))
            return place
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, zlib.error) as error:
        raise BatchError(f"it cannot be unpacked: {error}") from error


def check(members: list[zipfile.ZipInfo], size: int, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Check what an archive says of its members. Raises BatchError."""
    names = [member.filename for member in members]
    if len(names) > MOST_MEMBERS or len(set(names)) != len(names):
        raise BatchError("it has a member twice, or more than a shard uploads")
    for member in members:
        if Path(member.filename).name != member.filename or "\\" in member.filename:
            raise BatchError(f"its member {member.filename[:80]!r} would land elsewhere")
        if stat.S_ISLNK(member.external_attr >> 16) or not member.filename.endswith(suffixes):
            raise BatchError(f"its member {member.filename[:80]!r} is not what a shard uploads")
    if sum(member.file_size for member in members) > min(LARGEST, max(1 << 20, RATIO * size)):
        raise BatchError("it would unpack to more than a shard may say")


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read a member, no more than it says that it has. Raises BatchError."""
    with archive.open(member) as file:
        data = file.read(member.file_size + 1)
    if len(data) > member.file_size:
        raise BatchError("a member is larger than it says")
    return data

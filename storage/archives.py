"""Unpack a source distribution without trusting it."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from storage.errors import SourceError

LARGEST_UNPACKED = 2 * 2**30
MOST_MEMBERS = 100_000


def unpack(archive: Path, dest: Path) -> Path:
    """Unpack into an empty folder and return the one folder inside. Raises SourceError.

    Nothing lands outside; no devices, no links out; sizes are bounded.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, dest)
        else:
            _unpack_tar(archive, dest)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise SourceError(f"{archive.name} cannot be unpacked: {error}") from error
    found = list(dest.iterdir())
    if len(found) == 1 and found[0].is_dir() and not found[0].is_symlink():
        return found[0]
    return dest


def _unpack_tar(archive: Path, dest: Path) -> None:
    total = count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            total, count = total + member.size, count + 1
            _check(archive, total, count)
            _extract(tar, member, dest)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, dest: Path) -> None:
    """Unpack what stays inside. Python has a filter for that since 3.11.4; Debian 12 has 3.11.2."""
    if hasattr(tarfile, "data_filter"):
        tar.extract(member, dest, filter="data")
        return
    inside, place = dest.resolve(), dest / member.name
    ends = [place.resolve()]
    if member.issym():
        ends.append((place.parent / member.linkname).resolve())
    elif member.islnk():
        ends.append((dest / member.linkname).resolve())
    elif not (member.isfile() or member.isdir()):
        raise tarfile.TarError(f"{member.name} is neither a file, nor a folder, nor a link")
    if not all(end.is_relative_to(inside) for end in ends):
        raise tarfile.TarError(f"{member.name} leads out of the archive")
    member.mode = 0o755 if member.isdir() else member.mode & 0o755 | 0o600
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    tar.extract(member, dest)


def _unpack_zip(archive: Path, dest: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check(archive, sum(member.file_size for member in members), len(members))
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{member.filename!r} would land outside the folder")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(f"{member.filename!r} is a link")
            extracted = Path(opened.extract(member, dest))
            if not member.is_dir() and member.external_attr >> 16 & stat.S_IXUSR:
                extracted.chmod(0o755)


def _check(archive: Path, total: int, count: int) -> None:
    if total > LARGEST_UNPACKED or count > MOST_MEMBERS:
        raise SourceError(f"{archive.name} holds too much to be a source distribution")

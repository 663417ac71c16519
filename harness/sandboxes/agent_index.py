"""Read which files a git folder has in its index, trusting nothing of it.

In Python and by hand: git's own reader is not made for an index that somebody forged. The format
is that of https://git-scm.com/docs/index-format, in its versions 2 and 3, which git writes.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

LARGEST_INDEX = 64 << 20
HEAD = struct.Struct(">4sLL")
FIXED = 62
"""Bytes of an entry before its name; two more where the flag EXTENDED is set."""
EXTENDED = 0x4000


def read_index(folder: Path) -> list[str]:
    """Return the paths of a git folder's index; none where it has none that can be read."""
    place = folder / "index"
    if folder.is_symlink() or place.is_symlink() or not place.is_file():
        return []
    if place.stat().st_size > LARGEST_INDEX:
        return []
    try:
        return parse_index(place.read_bytes())
    except (OSError, ValueError, struct.error):
        return []


def parse_index(data: bytes) -> list[str]:
    """Return the paths of an index. Raises ValueError or struct.error where it is none."""
    signature, version, count = HEAD.unpack_from(data)
    if signature != b"DIRC" or version not in (2, 3):
        raise ValueError("no index of a version that is read")
    found, at = [], HEAD.size
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", data, at + FIXED - 2)
        start = at + FIXED + (2 if flags & EXTENDED else 0)
        end = data.index(b"\0", start)
        found.append(os.fsdecode(data[start:end]))
        at += (end - at + 8) & ~7
    return found

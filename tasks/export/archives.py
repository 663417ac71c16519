"""Files as a tar archive that is the same for the same files."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Mapping

from storage.folder_files import EXECUTABLE, LINK

EPOCH = 946684800


def pack_archive(contents: Mapping[str, bytes], modes: Mapping[str, str]) -> bytes:
    """Return a gzipped tar archive of files and links, in the order of their paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(contents):
            entry = tarfile.TarInfo(path)
            entry.mtime = EPOCH
            mode = modes.get(path, "100644")
            entry.mode = 0o755 if mode == EXECUTABLE else 0o644
            if mode == LINK:
                entry.type, entry.linkname = tarfile.SYMTYPE, os.fsdecode(contents[path])
                tar.addfile(entry)
                continue
            entry.size = len(contents[path])
            tar.addfile(entry, io.BytesIO(contents[path]))
    return gzip.compress(buffer.getvalue(), mtime=0)

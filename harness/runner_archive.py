"""The runner as it goes into a sandbox: one archive that Python runs as one path.

It is derived from the sources, always to the same bytes: from a checkout, from an installed
package, on any machine.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "bugfoundry_runner"
"""The name of the package inside: no module of a repository is called so."""
SOURCES = Path(__file__).with_name("runner")
SHIPPED = Path(__file__).with_name("runner.zip")
"""Where a wheel has it (``hatch_build.py``); a checkout has none."""
INSIDE = "/run/bugfoundry/runner.zip"
"""Where sandboxes see it."""
MAIN = "__main__.py"
"""What Python runs of an archive has to lie at its top."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that an entry of an archive can have."""


@functools.cache
def read_sources() -> Mapping[str, bytes]:
    """Return what the archive holds, by its path inside, as this process found it first.

    Read once: a checkout that is edited while this runs must not judge by one version and write
    down another.
    """
    places = {place.name: place for place in SOURCES.glob("*.py")}
    return {
        name if name == MAIN else f"{PACKAGE}/{name}": place.read_bytes()
        for name, place in places.items()
    }


def pack_sources(sources: Mapping[str, bytes]) -> bytes:
    """Return an archive in which nothing is of this moment or of this machine.

    Nothing is compressed: releases of zlib differ in their bytes, and Python starts sooner.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted(sources.items()):
            entry = zipfile.ZipInfo(path, date_time=EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


@functools.cache
def archive_data() -> bytes:
    """Return the archive."""
    return pack_sources(read_sources())


@functools.cache
def archive_hash() -> str:
    """Return what names the archive: the hash of its sources, which is sooner had."""
    found = hashlib.sha256()
    for path, data in sorted(read_sources().items()):
        found.update(b"%s\0%d\0%s" % (path.encode(), len(data), data))
    return found.hexdigest()[:12]


def find_archive(cache: Path) -> Path:
    """Return the archive's place: the wheel's, or in the cache folder, written there if need be.

    Bytes that are other than they should be are never used. Raises SandboxError.
    """
    kept = cache.absolute() / "runner" / f"{archive_hash()}.zip"
    for place in (SHIPPED, kept):
        if place.is_file() and place.read_bytes() == archive_data():
            return place
    try:
        write_archive(kept)
    except OSError as error:
        from storage.errors import SandboxError

        raise SandboxError(f"the runner cannot be put at {kept}: {error.strerror}") from error
    return kept


def write_archive(place: Path) -> None:
    """Put the archive at its place, whole at once: others may look for it at the same time."""
    # Not above: a wheel is built by this module, where nothing that we need is installed.
    from storage.whole_files import replace_whole

    with replace_whole(place) as part:
        part.write_bytes(archive_data())
        # In a sandbox another user reads it.
        part.chmod(0o644)

"""The rules by which patches are taken in, as one archive that a task's container runs."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from syntax.intake.intake import IntakeReference
from syntax.intake.places import STANDARD
from tasks.export import restore

EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_intake(reference: IntakeReference, shared: frozenset[str]) -> bytes:
    """Return the archive for one task, the same for the same task."""
    told = {
        "tests": list(reference.tests),
        "fixed": sorted(reference.fixed),
        # An old Python does not know the names of its own modules.
        "installed": sorted({*reference.installed, *STANDARD}),
        "shared": sorted(shared),
        "paths": sorted(reference.paths),
    }
    return pack({**read_sources(), "reference.json": json.dumps(told).encode()})


@functools.cache
def read_sources() -> Mapping[str, bytes]:
    """Return the rules, what they import, and what runs them."""
    syntax = files("syntax")
    found = {
        "__main__.py": files(restore.__package__).joinpath("restore.py").read_bytes(),
        "syntax/__init__.py": b"",
        "syntax/paths.py": syntax.joinpath("paths.py").read_bytes(),
    }
    for package, place in (("syntax/intake", syntax / "intake"), ("tomlkit", files("tomlkit"))):
        found |= {f"{package}/{each.name}": each.read_bytes() for each in modules_in(place)}
    return found


def modules_in(place: Traversable) -> list[Traversable]:
    """Return the modules of a package."""
    return [each for each in place.iterdir() if each.name.endswith(".py")]


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip archive in which nothing is of this moment or of this machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(path, date_time=EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()

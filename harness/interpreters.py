"""Which Python versions an environment can have."""

from __future__ import annotations

import json
import subprocess
import sys

from uv import find_uv_bin

from harness.sandbox import Backend

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PULLABLE = ("3.11", "3.12", "3.13", "3.10", "3.9")
"""Versions for which an official base image can be pulled."""


def installed() -> tuple[str, ...]:
    """Versions of CPython on this machine, as ``3.11``: our own first, then newest first."""
    listing = subprocess.run(
        [find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = {OWN}
    if listing.returncode == 0:
        for row in json.loads(listing.stdout):
            parts = row["version_parts"]
            if row["implementation"] == "cpython" and row.get("variant", "default") == "default":
                found.add(f"{parts['major']}.{parts['minor']}")
    return preferred(found)


def preferred(versions: set[str]) -> tuple[str, ...]:
    """Order versions: our own first, so that what we compile is what runs; then newest first."""
    newest = sorted(versions, key=lambda v: tuple(map(int, v.split("."))), reverse=True)
    return tuple(sorted(newest, key=lambda version: version != OWN))


def available_pythons(backend: Backend) -> tuple[str, ...]:
    """Versions a backend can offer, in order of preference."""
    fixed = getattr(backend, "base_python", lambda: None)()
    if fixed is not None:
        return (str(fixed),)
    return installed() if backend.kind == "local" else preferred({*PULLABLE})

"""Which Python versions an environment can have."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from harness.sandbox import Backend, BuildFailed

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PULLABLE = ("3.11", "3.12", "3.13", "3.10", "3.9")
"""Versions for which an official base image can be pulled."""


ASK = """import json, sys
print(json.dumps([sys.base_prefix, sys.executable, sys.version.split()[0], sys.prefix]))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python on this machine."""

    prefix: Path
    executable: Path
    version: str


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


def find_interpreter(version: str) -> Interpreter:
    """Find an installed Python. Raises BuildFailed when there is none of that version."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version == own:
        base = Path(sys.base_prefix) / "bin" / f"python{own}"
        if base.exists():
            return ask(base)
    found = subprocess.run(
        [find_uv_bin(), "python", "find", "--system", "--no-python-downloads", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        raise BuildFailed("python-unavailable", f"Python {version} is not installed")
    return ask(Path(found.stdout.strip()))


def ask(executable: Path) -> Interpreter:
    """Ask an interpreter where it lives. Raises BuildFailed when it does not run."""
    with suppress(OSError, ValueError):
        told = subprocess.run(
            [str(executable), "-I", "-c", ASK], capture_output=True, text=True, check=True
        )
        prefix, own, version, _ = json.loads(told.stdout)
        return Interpreter(prefix=Path(prefix), executable=Path(own), version=version)
    raise BuildFailed("python-unavailable", f"{executable} does not run")

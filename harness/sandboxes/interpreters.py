"""Which Python versions an environment can have."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from harness.sandboxes.sandbox import Backend, BuildFailed

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
OBTAINABLE = ("3.13", "3.12", "3.11", "3.14", "3.10", "3.9", "3.8")
"""Versions that uv can download, and that have an official image; the best supported first."""
OLDEST = (3, 8)
"""What the runner runs on."""
DOWNLOAD_TIMEOUT = 300
VERSION_MANAGERS = (
    "~/.pyenv/versions/{0}*/bin/python{0}",
    "~/.asdf/installs/python/{0}*/bin/python{0}",
    "~/.local/share/mise/installs/python/{0}*/bin/python{0}",
    "/opt/python/{0}*/bin/python{0}",
    "/opt/hostedtoolcache/Python/{0}*/x64/bin/python{0}",
)
"""Where version managers, and GitHub's runners, keep the Pythons that are not on the path."""

ASK = """import json, sys
print(json.dumps([sys.base_prefix, sys.executable, sys.version.split()[0], sys.prefix]))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python on this machine."""

    prefix: Path
    executable: Path
    version: str


def list_installed_versions() -> tuple[str, ...]:
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
    found |= {version for version in OBTAINABLE if find_managed_interpreters(version)}
    return order_by_preference({version for version in found if numbers(version) >= OLDEST})


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def find_managed_interpreters(version: str) -> list[Path]:
    """Interpreters of a version that a version manager keeps, the newest release first."""
    patterns = (Path(each.format(version)).expanduser() for each in VERSION_MANAGERS)
    found = [path for each in patterns for path in Path("/").glob(str(each.relative_to("/")))]
    return sorted(found, key=lambda path: digits(path.parts[-3]), reverse=True)


def digits(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def order_by_preference(versions: set[str]) -> tuple[str, ...]:
    """Order versions: our own first, so that what we compile is what runs; then newest first."""
    newest = sorted(versions, key=numbers, reverse=True)
    return tuple(sorted(newest, key=lambda version: version != OWN))


def available_pythons(backend: Backend) -> tuple[str, ...]:
    """Versions a backend can offer, in order of preference: those at hand before downloads."""
    return tuple(dict.fromkeys((*list_pythons_at_hand(backend), *OBTAINABLE)))


def list_pythons_at_hand(backend: Backend) -> tuple[str, ...]:
    """Versions for which a backend need not let uv download anything, in order of preference."""
    fixed = getattr(backend, "base_python", lambda: None)()
    if fixed is not None:
        return (str(fixed),)
    if backend.kind == "local":
        return list_installed_versions()
    return order_by_preference({*OBTAINABLE})


def find_interpreter(version: str) -> Interpreter:
    """Find an installed Python. Raises BuildFailed when there is none of that version."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version == own:
        base = Path(sys.base_prefix) / "bin" / f"python{own}"
        if base.exists():
            return inspect_interpreter(base)
    found = find_by_uv(version)
    if found is None:
        found = next(iter(find_managed_interpreters(version)), None) or download_interpreter(
            version
        )
    return inspect_interpreter(found)


def find_by_uv(version: str) -> Path | None:
    """Find an interpreter on the path, or among uv's own."""
    done = subprocess.run(
        [find_uv_bin(), "python", "find", "--system", "--no-python-downloads", version],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def download_interpreter(version: str) -> Path:
    """Let uv download an interpreter. Raises BuildFailed when it cannot."""
    words = [find_uv_bin(), "python", "install", "--no-bin", version]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT
        )
        told = done.stderr
    except subprocess.TimeoutExpired:
        told = f"no answer within {DOWNLOAD_TIMEOUT} s"
    found = find_by_uv(version)
    if found is None:
        raise BuildFailed(
            "python-unavailable",
            f"{told}\nPython {version} is not installed, and uv cannot download it",
        )
    return found


def inspect_interpreter(executable: Path) -> Interpreter:
    """Ask an interpreter where it lives. Raises BuildFailed when it does not run."""
    with suppress(OSError, ValueError):
        told = subprocess.run(
            [str(executable), "-I", "-c", ASK], capture_output=True, text=True, check=True
        )
        prefix, own, version, _ = json.loads(told.stdout)
        return Interpreter(prefix=Path(prefix), executable=Path(own), version=version)
    raise BuildFailed("python-unavailable", f"{executable} does not run")

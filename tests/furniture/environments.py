"""Environments that are built once for all tests: in a cache outside the repository.

A build of the small project takes ten seconds and asks the package index; dozens of tests need
the very same. The cache is shared by all workers of a run and by later runs. Its name says what
built it: other code of ours, another uv or another Python build into another folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import cache as once
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import platformdirs
from uv import find_uv_bin

from storage.whole_files import name_lock, run_once

ROOT = Path(__file__).parents[2]
BUILDERS = ("harness", "storage/records.py", "storage/tables/rows.py")
"""What decides how an environment comes about, and how it is kept."""
DOWNLOADS = "uv"
KEPT = 14 * 24 * 3600.0
"""Seconds after which what no run used is removed."""


@once
def shared_cache() -> Path:
    """Return the folder of the environments that this code builds."""
    top = cache_of_tests()
    folder = top / code_key()
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in top.iterdir():
        if other.name != DOWNLOADS and time.time() - other.stat().st_mtime > KEPT:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def cache_of_tests() -> Path:
    """Return the folder of all that tests keep: ``BUGFOUNDRY_TEST_CACHE``, or the platform's."""
    named = os.environ.get("BUGFOUNDRY_TEST_CACHE")
    return Path(named or platformdirs.user_cache_dir("bugfoundry-tests")).expanduser().absolute()


def code_key() -> str:
    """Return a name for all that builds environments."""
    found = sha256(f"{sys.version} {version('uv')}".encode())
    for top in BUILDERS:
        place = ROOT / top
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def share_environments(cache: Path) -> Path:
    """Make a cache whose environments and downloads are the shared ones."""
    share_downloads(cache)
    link(cache / "envs", shared_cache() / "envs")
    return cache


def share_downloads(cache: Path) -> Path:
    """Make a cache with environments of its own, installed from the shared downloads."""
    link(cache / "uv", cache_of_tests() / DOWNLOADS)
    return cache


def link(place: Path, target: Path) -> None:
    """Have a folder of a cache be a shared one."""
    target.mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def install_package(requirement: str, python: Path) -> Path:
    """Return an environment that has somebody else's package, installed once for all."""
    name = sha256(f"{requirement} {python}".encode()).hexdigest()[:16]
    folder = shared_cache() / "packages" / name
    ready = folder / "ready"

    def install() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        make_environment(folder, requirement, python)
        ready.touch()

    run_once(name_lock(folder), ready.exists, install)
    return folder


def make_environment(folder: Path, requirement: str, python: Path) -> None:
    uv, variables = find_uv_bin(), {**os.environ, "UV_CACHE_DIR": str(cache_of_tests() / DOWNLOADS)}
    subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True, env=variables)
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--link-mode", "copy"]
    command += ["--python", str(folder / "bin" / "python"), requirement]
    subprocess.run(command, check=True, env=variables)

"""Places of local sandboxes: folders ``w01`` to ``wff`` beside the environment's own ``w00``.

Equal lengths of the names let a copy of an environment be pointed at itself by replacing
bytes in its files. A place belongs to a living process; what a killed one left is swept away.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from storage.errors import SandboxError

PLACES = 255
REWRITTEN_LIMIT = 1 << 20
"""Files larger than this hold no paths of the environment that matter."""


def claim(root: Path) -> Path:
    """Make a new place for this process. Raises SandboxError when all are taken."""
    for number in range(1, PLACES + 1):
        place = root / f"w{number:02x}"
        try:
            place.mkdir()
        except FileExistsError:
            continue
        (place / "owner").write_text(str(os.getpid()))
        return place
    raise SandboxError(f"all {PLACES} places in {root} are taken; use fewer --workers")


def release(place: Path) -> None:
    """Remove a place, read-only folders that tests left in it included."""
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove the places of processes that are gone."""
    for place in root.glob("w[0-9a-f][0-9a-f]"):
        owner = place / "owner"
        if place.name != "w00" and owner.exists() and not alive(owner.read_text()):
            release(place)


def alive(pid: str) -> bool:
    """Say whether a process lives. An empty id is one that is being written."""
    return not pid or Path("/proc", pid).exists()


def copy_environment(first: Path, place: Path) -> None:
    """Copy an environment and point the copy at itself: scripts, ``.pth`` and finder files."""
    shutil.copytree(first / "tree", place / "tree", symlinks=True)
    shutil.copytree(first / "venv", place / "venv", symlinks=True)
    old, new = os.fsencode(first), os.fsencode(place)
    packages = (place / "venv").glob("lib/python*/site-packages")
    names = [*(place / "venv" / "bin").iterdir(), place / "venv" / "pyvenv.cfg"]
    for folder in packages:
        names += [*folder.glob("*.pth"), *folder.glob("__editable__*"), *folder.glob("*.egg-link")]
        names += folder.glob("*.dist-info/direct_url.json")
    names += (place / "tree").glob("**/*.egg-info/*")
    for name in names:
        rewrite(name, old, new)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """Replace one path by another of the same length in a file."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > REWRITTEN_LIMIT:
        return
    data = path.read_bytes()
    if old in data:
        path.write_bytes(data.replace(old, new))

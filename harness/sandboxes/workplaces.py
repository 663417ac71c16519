"""Places of local sandboxes: folders ``w01`` to ``wff`` beside the environment's own ``w00``.

Equal lengths of the names let a copy of an environment be pointed at itself by replacing
bytes in its files. A place belongs to a living process; what a killed one left is swept away.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from storage.errors import SandboxError
from storage.locks import drop_hold, is_held, take_hold
from storage.scratch import make_scratch_folder

PLACES = 255
ASIDE = ".old-"
"""In the name of an environment that was built anew while sandboxes ran in it."""
Stamp = tuple[int, int]
HOLDS: dict[Path, int] = {}
"""What says that this process has a place, until it releases it or ends."""
FIRST_USER = 1_879_000_000
"""Users of the host that no system hands out: one for each place, so that limits are apart."""
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
        # A sweep may have been sooner, between these two steps.
        if (hold := take_hold(place)) is not None:
            HOLDS[place] = hold
            return place
    raise SandboxError(f"all {PLACES} places in {root} are taken; use fewer --workers")


def release(place: Path) -> None:
    """Remove a place, folders that tests closed in it included."""
    if place.is_dir():
        place.chmod(0o700)
    for current, folders, _ in os.walk(place):
        for name in folders:
            folder = Path(current, name)
            if not folder.is_symlink():
                folder.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
    if (hold := HOLDS.pop(place, None)) is not None:
        drop_hold(hold)


def list_places(root: Path) -> list[Path]:
    """Return the places that are there, without the environment's own."""
    return [place for place in root.glob("w[0-9a-f][0-9a-f]") if place.name != "w00"]


def sweep(root: Path) -> None:
    """Remove the places of processes that are gone."""
    for place in list_places(root):
        if (hold := take_hold(place)) is not None:
            release(place)
            drop_hold(hold)


def is_used(root: Path) -> bool:
    """Say whether a living process has a place in an environment."""
    return any(map(is_held, list_places(root)))


def make_scratch() -> Path:
    """Make a folder for temporary files, to be released."""
    folder, hold = make_scratch_folder()
    HOLDS[folder] = hold
    return folder


def accounts(place: Path, user: int) -> list[tuple[Path, Path]]:
    """Write the user list that a sandbox sees, and return how it is bound."""
    passwd, group = place / "passwd", place / "group"
    passwd.write_text(
        f"root:x:0:0:root:/root:/bin/sh\nsandbox:x:{user}:{user}:sandbox:/tmp:/bin/sh\n"
    )
    group.write_text(f"root:x:0:\nsandbox:x:{user}:\n")
    return [(passwd, Path("/etc/passwd")), (group, Path("/etc/group"))]


def host_user(place: Path) -> int:
    """Return the host's user that a place's code runs as where root can choose one."""
    return FIRST_USER + int(place.name[1:], 16)


def is_alive(pid: str) -> bool:
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


def read_stamp(ready: Path) -> Stamp | None:
    """Return what tells one build of an environment from the next; None where it is not built."""
    try:
        found = ready.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def clear_away(root: Path) -> None:
    """Remove an environment; one that sandboxes run in is moved aside, for later to remove.

    A sandbox would find its modules gone in the middle of a test.
    """
    for old in root.parent.glob(f"{root.name}{ASIDE}*"):
        if not is_used(old):
            shutil.rmtree(old, ignore_errors=True)
    sweep(root)
    if root.exists() and is_used(root):
        root.rename(root.with_name(f"{root.name}{ASIDE}{secrets.token_hex(4)}"))
    shutil.rmtree(root, ignore_errors=True)

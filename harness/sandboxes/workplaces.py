"""Places of local sandboxes: folders ``w01`` to ``wff`` beside the environment's own ``w00``.

Equal lengths of the names let a copy of an environment be pointed at itself by replacing
bytes in its files. A place belongs to a living process; what a killed one left is swept away.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from storage.errors import SandboxError

PLACES = 255
SCRATCH = "bugfoundry-sandbox-"
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
        (place / "owner").write_text(str(os.getpid()))
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


def sweep(root: Path) -> None:
    """Remove the places of processes that are gone."""
    for place in root.glob("w[0-9a-f][0-9a-f]"):
        owner = place / "owner"
        if place.name != "w00" and owner.exists() and not is_alive(owner.read_text()):
            release(place)


def make_scratch() -> Path:
    """Make a folder for temporary files. Its path is short: sockets allow no long ones."""
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))


def sweep_scratch() -> None:
    """Remove the temporary files of our own processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        pid = folder.name.removeprefix(SCRATCH).partition("-")[0]
        ours = is_owned_by_us(folder)
        if pid.isdigit() and ours and not is_alive(pid):
            release(folder)


def is_owned_by_us(folder: Path) -> bool:
    """Say whether a folder is ours; one that another process just removed is not."""
    with suppress(FileNotFoundError):
        found = folder.lstat()
        return found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
    return False


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

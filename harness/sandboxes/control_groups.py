"""Control groups: limits over all processes of a sandbox together, where this machine lets us.

Docker makes its own. For bubblewrap they are made here, which takes root (or a folder that was
handed to us); without them only the kernel's limits for each process hold.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.sandboxes.limits import SandboxLimits, control_values
from harness.sandboxes.workplaces import is_alive

ROOT = Path("/sys/fs/cgroup")
FOLDER = "bugfoundry"
CONTROLLERS = ("memory", "pids", "cpu")
ROUNDS = 100
OPTIONAL = ("memory.memsw.limit_in_bytes", "memory.swappiness", "memory.oom.group")
"""Files that some kernels do not have; without swap they say nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroup:
    """One sandbox's group: a folder for each controller, or one for all (version 2)."""

    folders: tuple[Path, ...]

    def enter(self) -> None:
        """Put the calling process into the group; its children follow."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def out_of_memory(self) -> bool:
        """Say whether the kernel killed a process of the group because its memory ran out."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    lines = (folder / name).read_text().splitlines()
                    fields = dict(line.split() for line in lines)
                    if int(fields.get("oom_kill", "0")):
                        return True
        return False

    def close(self) -> None:
        """Kill what is left in the group and remove it. Never raises."""
        for _ in range(ROUNDS):
            for folder in self.folders:
                with suppress(OSError, ProcessLookupError):
                    for pid in (folder / "cgroup.procs").read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                with suppress(OSError):
                    folder.rmdir()
            if not any(folder.exists() for folder in self.folders):
                return
            time.sleep(0.02)


def make_group(limits: SandboxLimits) -> ControlGroup | None:
    """Make a group with these limits; None where this machine does not let us."""
    tops = {name: ROOT / name for name in CONTROLLERS}
    version = 1 if all((top / "cgroup.procs").exists() for top in tops.values()) else 2
    if version == 2:
        tops = dict.fromkeys(CONTROLLERS, ROOT)
    try:
        return write_group(tops, limits, version)
    except OSError:
        return None


def write_group(tops: Mapping[str, Path], limits: SandboxLimits, version: int) -> ControlGroup:
    """Make the folders and write the limits. Raises OSError."""
    name = f"{os.getpid()}-{read_namespace()}-{secrets.token_hex(4)}"
    if version == 2:
        enable(ROOT)
    folders = {controller: top / FOLDER / name for controller, top in tops.items()}
    group = ControlGroup(folders=tuple(dict.fromkeys(folders.values())))
    for folder in group.folders:
        folder.parent.mkdir(exist_ok=True)
        if version == 2:
            enable(folder.parent)
        sweep(folder.parent)
    try:
        for folder in group.folders:
            folder.mkdir()
        for controller, file, value in control_values(limits, version):
            place = folders[controller] / file
            if file not in OPTIONAL or place.exists():
                place.write_text(value)
    except OSError:
        group.close()
        raise
    return group


def enable(folder: Path) -> None:
    """Hand the controllers on to the groups below (version 2). Raises OSError."""
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))


def sweep(parent: Path) -> None:
    """Remove the groups of processes that are gone."""
    for folder in parent.iterdir():
        owner, _, rest = folder.name.partition("-")
        # A number of a process says nothing in another container that sees the same groups.
        ours = rest.partition("-")[0] == read_namespace()
        if folder.is_dir() and ours and not is_alive(owner):
            ControlGroup(folders=(folder,)).close()


def read_namespace() -> str:
    """Return what tells this namespace of processes from others on this machine."""
    return str(Path("/proc/self/ns/pid").stat().st_ino)

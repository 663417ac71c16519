"""A description of a sandbox turned into bubblewrap's arguments. Pure but for one probe."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
)
ACCOUNTS = ("/etc/passwd", "/etc/group")
SPACES = ("ipc", "pid", "net", "uts")
DROPPING = ("SETUID", "SETGID", "SETPCAP")
"""What it takes to become another user; given up by the same step."""
NETWORK_SETTINGS = ("/etc/resolv.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cage:
    """What one sandboxed command sees. Bindings are pairs of host path and path inside."""

    read_only: Sequence[tuple[Path, Path]]
    writable: Sequence[tuple[Path, Path]]
    cwd: Path
    env: Mapping[str, str]
    network: bool = False
    tmp_mb: int = 1024
    room: Sequence[tuple[Path, int]] = ()
    """Empty writable places in memory and their sizes in megabytes, laid before the bindings."""
    seccomp: int | None = None
    """A descriptor that holds a program for the kernel's filter of system calls."""
    user: int | None = None
    """A user of the host to become, which only root can; by default a user that is mapped."""


def arguments(cage: Cage, command: Sequence[str]) -> list[str]:
    """Return the argument list of bubblewrap for a command in a cage.

    Everything is unshared, the network too unless asked for; the user is not root; only the
    bindings exist, over an empty root that cannot be written.
    """
    found = ["bwrap", *identity(cage), "--die-with-parent", "--new-session", "--clearenv"]
    found += scratch(cage, "/tmp")
    for folder in parents(cage):
        found += ["--perms", "0755", "--dir", str(folder)]
    for path in (*SYSTEM, *SETTINGS, *(NETWORK_SETTINGS if cage.network else ())):
        found += ["--ro-bind-try", path, path]
    found += ["--proc", "/proc", "--dev", "/dev", *scratch(cage, "/dev/shm")]
    for place, size in cage.room:
        found += ["--perms", "0777", "--size", str(size << 20), "--tmpfs", str(place)]
    for outside, inside in cage.read_only:
        found += ["--ro-bind", str(outside), str(inside)]
    for outside, inside in cage.writable:
        found += ["--bind", str(outside), str(inside)]
    for name, value in sorted(cage.env.items()):
        found += ["--setenv", name, value]
    if cage.seccomp is not None:
        found += ["--seccomp", str(cage.seccomp)]
    found += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cage.cwd), "--"]
    return [*found, *make_user_switch(cage), *command]


def parents(cage: Cage) -> list[Path]:
    """Folders above the bindings, outermost first; made by themselves they were closed to users."""
    inside = [path for _, path in (*cage.read_only, *cage.writable)]
    inside += [place for place, _ in cage.room]
    above = {folder for path in inside for folder in path.parents if len(folder.parts) > 1}
    own = above - {Path("/tmp")} | {Path("/etc")}
    return sorted(f for f in own if not any(f.is_relative_to(top) for top in SYSTEM))


def scratch(cage: Cage, path: str) -> list[str]:
    """Scratch space of limited size, open to all."""
    return ["--perms", "1777", "--size", str(cage.tmp_mb << 20), "--tmpfs", path]


def identity(cage: Cage) -> list[str]:
    """Namespaces and user. A user of the host needs no map, but the powers to become it."""
    network = ["--share-net"] if cage.network else []
    if cage.user is None:
        found = ["--unshare-all", *network, "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]
        return [*found, "--hostname", "sandbox"]
    spaces = [f"--unshare-{name}" for name in SPACES if not (cage.network and name == "net")]
    powers = [word for name in DROPPING for word in ("--cap-add", f"CAP_{name}")]
    return [*spaces, "--unshare-cgroup-try", "--cap-drop", "ALL", *powers, "--hostname", "sandbox"]


def make_user_switch(cage: Cage) -> list[str]:
    """The step that becomes the user and gives up all powers, for good."""
    if cage.user is None:
        return []
    user = str(cage.user)
    found = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
    return [*found, "--inh-caps", "-all", "--bounding-set", "-all", "--"]


@functools.cache
def works(user: int | None = None) -> bool:
    """Say whether bubblewrap is installed and may make such a cage on this machine."""
    if shutil.which("bwrap") is None:
        return False
    path = {"PATH": os.defpath}
    cage = Cage(read_only=(), writable=(), cwd=Path("/"), env=path, user=user)
    trial = subprocess.run(arguments(cage, ["true"]), capture_output=True, check=False)
    return trial.returncode == 0

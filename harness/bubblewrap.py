"""A description of a sandbox turned into bubblewrap's arguments. Pure but for one probe."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/passwd",
    "/etc/group",
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


def arguments(cage: Cage, command: Sequence[str]) -> list[str]:
    """Return the argument list of bubblewrap for a command in a cage.

    Everything is unshared, the network too unless asked for; the user is not root; only the
    bindings exist, over an empty root.
    """
    found = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    found += ["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "sandbox"]
    if cage.network:
        found += ["--share-net"]
    for path in (*SYSTEM, *SETTINGS, *(NETWORK_SETTINGS if cage.network else ())):
        found += ["--ro-bind-try", path, path]
    found += ["--proc", "/proc", "--dev", "/dev"]
    found += ["--size", str(cage.tmp_mb << 20), "--tmpfs", "/tmp"]
    for outside, inside in cage.read_only:
        found += ["--ro-bind", str(outside), str(inside)]
    for outside, inside in cage.writable:
        found += ["--bind", str(outside), str(inside)]
    for name, value in sorted(cage.env.items()):
        found += ["--setenv", name, value]
    return [*found, "--chdir", str(cage.cwd), "--", *command]


@functools.cache
def works() -> bool:
    """Say whether bubblewrap is installed and may make namespaces on this machine."""
    if shutil.which("bwrap") is None:
        return False
    cage = Cage(read_only=(), writable=(), cwd=Path("/"), env={})
    trial = subprocess.run(arguments(cage, ["true"]), capture_output=True, check=False)
    return trial.returncode == 0

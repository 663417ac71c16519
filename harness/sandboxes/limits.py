"""The one description of what a sandbox may use, turned into each mechanism's arguments. Pure."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1 << 20
PERIOD = 100_000
"""Microseconds over which the share of the processors is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What code in a sandbox may use; no network, no root and no capabilities in any case."""

    memory_mb: int = 4096
    """All of its processes together, temporary files included; there is no swap."""
    pids: int = 512
    cpus: float = 2.0
    file_size_mb: int = 512
    open_files: int = 1024
    tmp_mb: int = 1024
    """Size of each writable place: the work tree (beyond its own size), /tmp and /dev/shm."""
    inodes: int = 200_000
    """Files in each writable place."""


def container_arguments(
    limits: SandboxLimits, *, user: int, tree: str, tree_mb: int
) -> dict[str, Any]:
    """Return the arguments of the Docker engine. Its own seccomp profile stays in force."""
    from docker.types import LogConfig, Ulimit

    room = f"nr_inodes={limits.inodes},exec,nosuid,nodev"
    return {
        "network_mode": "none",
        "user": f"{user}:{user}",
        "read_only": True,
        "tmpfs": {
            "/tmp": f"mode=1777,size={limits.tmp_mb}m,{room}",
            tree: f"mode=755,uid={user},gid={user},size={limits.tmp_mb + tree_mb}m,{room}",
        },
        "shm_size": f"{limits.tmp_mb}m",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.pids,
        "mem_limit": f"{limits.memory_mb}m",
        "memswap_limit": f"{limits.memory_mb}m",
        "nano_cpus": round(limits.cpus * 1e9),
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=bytes_of(limits), hard=bytes_of(limits)),
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
        ],
        "log_config": LogConfig(type="none"),
    }


def bytes_of(limits: SandboxLimits) -> int:
    return limits.file_size_mb * MEGABYTE


def resource_limits(limits: SandboxLimits, *, others: int) -> Mapping[int, int]:
    """Return the kernel's limits for one process and its children (``setrlimit``).

    ``others`` is the number of threads the user has already: the kernel counts them too.
    """
    return {
        resource.RLIMIT_DATA: limits.memory_mb * MEGABYTE,
        resource.RLIMIT_FSIZE: bytes_of(limits),
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: limits.pids + others,
    }


def control_values(limits: SandboxLimits, version: int) -> tuple[tuple[str, str, str], ...]:
    """Return what to write where in a control group: controller, file, value; in that order."""
    memory = str(limits.memory_mb * MEGABYTE)
    share = round(limits.cpus * PERIOD)
    if version == 1:
        return (
            ("memory", "memory.limit_in_bytes", memory),
            ("memory", "memory.memsw.limit_in_bytes", memory),
            ("memory", "memory.swappiness", "0"),
            ("pids", "pids.max", str(limits.pids)),
            ("cpu", "cpu.cfs_period_us", str(PERIOD)),
            ("cpu", "cpu.cfs_quota_us", str(share)),
        )
    return (
        ("memory", "memory.max", memory),
        ("memory", "memory.swap.max", "0"),
        ("memory", "memory.oom.group", "0"),
        ("pids", "pids.max", str(limits.pids)),
        ("cpu", "cpu.max", f"{share} {PERIOD}"),
    )

"""What judging costs: CPU-seconds of all processes, wall clock and peak memory, read from outside.

Four counters, none of which asks the sandbox anything:

*engine*: ``time.process_time`` of this process, all threads, in nanoseconds.

*sandbox*: every process in it, the dead ones included.

- docker: the container's own control group (``cpuacct.usage``, or ``usage_usec`` of version 2),
  read right before the container is killed. Exact, but for what dying costs.
- bubblewrap and plain processes: the sandbox's control group where it has one that counts; else,
  with control groups of version 1 and root, one made here, which the runner is started in. That
  is read after everything in it has died: exact.
- elsewhere: the sandbox's process tree. Of each living process its CPU clock, in nanoseconds, and
  what its children that died had used (``cutime``, ``cstime`` of /proc/PID/stat), in hundredths of
  a second. What no process waited for is lost.

*daemons*: the CPU clocks of dockerd, containerd and of the shims of our containers, and what their
dead children had used (runc is a shim's child). A shim is read before its container is removed, so
``runc delete`` is left out. Whoever else uses Docker at that time is counted too.

*wall*: the monotonic clock. What the reading itself costs is taken off again.

Peak memory is the sandbox's control group's, page cache and files in memory included; without a
group, the largest resident set of one process.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from harness.sandboxes.process_tree import family
from harness.sandboxes.workplaces import alive

ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")
OWN = ROOT / "cpuacct" / "bugfoundry-measured"
TICK = os.sysconf("SC_CLK_TCK")
DAEMONS = ("dockerd", "containerd")
SHIM = "containerd-shim"
numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds: by the clock, and of CPU in three places."""

    wall: float = 0.0
    engine: float = 0.0
    sandbox: float = 0.0
    daemons: float = 0.0

    @property
    def cpu(self) -> float:
        """CPU-seconds, wherever they were used."""
        return self.engine + self.sandbox + self.daemons

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in FIELDS})

    def __sub__(self, other: Usage) -> Usage:
        return Usage(**{f.name: getattr(self, f.name) - getattr(other, f.name) for f in FIELDS})


FIELDS = fields(Usage)


class Probe(Protocol):
    """Reads what one sandbox has used since it began."""

    def cpu(self) -> float:
        """CPU-seconds. Raises OSError when they cannot be read any more."""

    def peak(self) -> int:
        """Bytes of memory at the most. Raises OSError when they cannot be read any more."""


class GroupProbe:
    """A control group that counts."""

    def __init__(self, usage: Path, memory: Path | None, *, less: float = 0.0) -> None:
        self._usage = usage
        self._memory = memory
        self._less = less

    def cpu(self) -> float:
        return group_seconds(self._usage) - self._less

    def peak(self) -> int:
        return 0 if self._memory is None else int(self._memory.read_text())


class TreeProbe:
    """A process and all that came of it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0

    def cpu(self) -> float:
        found = family(self._pid, "")
        if not found:
            raise ProcessLookupError(self._pid)
        with suppress(OSError):
            self._most = max(self._most, *map(resident_peak, found))
        return sum(map(process_seconds, found))

    def peak(self) -> int:
        return self._most


def group_seconds(file: Path) -> float:
    """CPU-seconds of a control group. Raises OSError."""
    text = file.read_text()
    if file.name == "cpuacct.usage":
        return int(text) / 1e9
    values = dict(line.split() for line in text.splitlines())
    return int(values["usage_usec"]) / 1e6


def process_seconds(pid: int) -> float:
    """CPU-seconds of a process and of its children that died; 0 when it is gone."""
    with suppress(OSError):
        # A process's CPU clock, as clock_getcpuclockid(3) makes its number.
        own = time.clock_gettime_ns((~pid << 3) | 2) / 1e9
        words = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return own + (int(words[13]) + int(words[14])) / TICK
    return 0.0


def resident_peak(pid: int) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def groups_of(pid: int | str) -> Mapping[str, Path]:
    """The control groups of a process, by controller; version 2's is under ``""``."""
    found = {}
    for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        top = ROOT / names if names else ROOT
        for name in names.split(","):
            found[name] = top / path.lstrip("/")
    return found


def counting(pid: int) -> Path | None:
    """The file that counts a sandbox's CPU; None where its control group is our own."""
    ours, theirs = groups_of("self"), groups_of(pid)
    for controller, name in (("cpuacct", "cpuacct.usage"), ("", "cpu.stat")):
        group = theirs.get(controller)
        if group is not None and group != ours.get(controller) and (group / name).exists():
            return group / name
    return None


def peaking(pid: int) -> Path | None:
    """The file that holds a sandbox's peak memory; None where there is none."""
    ours, theirs = groups_of("self"), groups_of(pid)
    for controller, name in (("memory", "memory.max_usage_in_bytes"), ("", "memory.peak")):
        group = theirs.get(controller)
        if group is not None and group != ours.get(controller) and (group / name).exists():
            return group / name
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGroup:
    """A group for accounting alone, which outlives what runs in it."""

    folder: Path
    usage: Path
    less: float
    """What this process itself used in it, while it started the sandbox."""

    def close(self) -> None:
        with suppress(OSError):
            self.folder.rmdir()
            self.folder.parent.rmdir()


@asynccontextmanager
async def inside_own_group() -> AsyncIterator[list[OwnGroup]]:
    """Put this thread into a group, so that what it starts is born there; then leave it.

    Gives an empty list which holds the group afterwards, where one could be made.
    """
    made: list[OwnGroup] = []
    for left in OWN.glob("*-*"):
        if not alive(left.name.partition("-")[0]):
            with suppress(OSError):
                left.rmdir()
    folder = OWN / f"{os.getpid()}-{next(numbers)}"
    try:
        back = groups_of("self")["cpuacct"] / "cgroup.procs"
        folder.mkdir(parents=True)
        (folder / "tasks").write_text(str(threading.get_native_id()))
    except (OSError, KeyError):
        with suppress(OSError):
            folder.rmdir()
        yield made
        return
    started = time.thread_time()
    try:
        yield made
    finally:
        less = time.thread_time() - started
        back.write_text(str(os.getpid()))
        made.append(OwnGroup(folder=folder, usage=folder / "cpuacct.usage", less=less))


class Daemons:
    """What serves containers outside of them."""

    def __init__(self) -> None:
        self._living = {
            read(file).strip(): int(file.parent.name)
            for file in PROC.glob("[0-9]*/comm")
            if read(file).strip() in DAEMONS
        }
        """Processes, by the daemon's name or by the container that a shim is for."""
        self._used: dict[str, float] = {}
        """The last reading of each, which stays when it is gone."""

    @property
    def known(self) -> bool:
        return all(name in self._living for name in DAEMONS)

    def seconds(self) -> float:
        for name, pid in self._living.items():
            self._used[name] = max(self._used.get(name, 0.0), process_seconds(pid))
        return sum(self._used.values())

    def shim(self, container: str) -> int | None:
        """Find a container's shim, and count it from now on."""
        for file in PROC.glob("[0-9]*/cmdline"):
            line = read(file)
            if SHIM in line and container in line:
                self._living[container] = int(file.parent.name)
        return self._living.get(container)

    def gone(self, container: str) -> None:
        """Read a shim for the last time; its container is about to be removed."""
        self.seconds()
        self._living.pop(container, None)


def read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(errors="replace")
    return ""


def inside(shim: int, container: str) -> int | None:
    """A process of a container, found by its shim."""
    for child in read(PROC / str(shim) / "task" / str(shim) / "children").split():
        if container in read(PROC / child / "cgroup"):
            return int(child)
    return None

"""What judging in Docker costs: CPU-seconds of all processes and wall clock, read from outside.

Four counters, none of which asks the sandbox anything:

*engine*: ``time.process_time`` of this process, all threads, in nanoseconds.

*sandbox*: the container's own control group (``cpuacct.usage``, or ``usage_usec`` of version 2),
read right before the container is killed. Exact, but for what dying costs.

*daemons*: the CPU clocks of dockerd, containerd and of the shims of our containers, and what their
dead children had used (runc is a shim's child). A shim is read before its container is removed, so
``runc delete`` is left out. Whoever else uses Docker at that time is counted too.

*wall*: the monotonic clock. What the reading itself costs is taken off again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from harness.sandboxes.docker_backend import DockerSandbox
from harness.sandboxes.process_tree import family
from harness.sandboxes.sandbox import Backend, Channel, Frame, Sandbox, SandboxLimits
from storage.errors import SandboxError
from storage.records import Environment, Plan, SandboxKind

ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
DAEMONS = ("dockerd", "containerd")
SHIM = "containerd-shim"


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


def process_seconds(pid: int) -> float:
    """CPU-seconds of a process and of its children that died; 0 when it is gone."""
    with suppress(OSError):
        # A process's CPU clock, as clock_getcpuclockid(3) makes its number.
        own = time.clock_gettime_ns((~pid << 3) | 2) / 1e9
        words = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return own + (int(words[13]) + int(words[14])) / TICK
    return 0.0


def tree_seconds(pid: int) -> float:
    """CPU-seconds of a process and of all that came of it."""
    return sum(map(process_seconds, family(pid, "")))


def group_seconds(file: Path) -> float:
    """CPU-seconds of a control group. Raises OSError."""
    text = file.read_text()
    if file.name == "cpuacct.usage":
        return int(text) / 1e9
    values = dict(line.split() for line in text.splitlines())
    return int(values["usage_usec"]) / 1e6


def find_group(pid: int) -> Path:
    """The file that counts a container's CPU. Raises SandboxError where there is none."""
    ours, theirs = groups_of("self"), groups_of(pid)
    for controller, name in (("cpuacct", "cpuacct.usage"), ("", "cpu.stat")):
        group = theirs.get(controller)
        if group is not None and group != ours.get(controller) and (group / name).exists():
            return group / name
    raise SandboxError("the containers have no control group of their own that counts CPU")


def groups_of(pid: int | str) -> Mapping[str, Path]:
    """The control groups of a process, by controller; version 2's is under ``""``."""
    found = {}
    for line in read(PROC / str(pid) / "cgroup").splitlines():
        _, names, path = line.split(":", 2)
        top = ROOT / names if names else ROOT
        for name in names.split(","):
            found[name] = top / path.lstrip("/")
    return found


class Daemons:
    """What serves containers outside of them."""

    def __init__(self) -> None:
        self._living = {
            name: int(file.parent.name)
            for file in PROC.glob("[0-9]*/comm")
            if (name := read(file).strip()) in DAEMONS
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

    def find_process(self, container: str) -> int:
        """Find a process of a container by its shim, which is counted from now on.

        Raises SandboxError.
        """
        for file in PROC.glob("[0-9]*/cmdline"):
            line = read(file)
            if SHIM in line and container in line:
                shim = self._living[container] = int(file.parent.name)
                for child in read(PROC / f"{shim}/task/{shim}/children").split():
                    if container in read(PROC / child / "cgroup"):
                        return int(child)
        raise SandboxError("the containers' processes cannot be seen from here, nor measured")

    def drop(self, container: str) -> None:
        """Read a shim for the last time; its container is about to be removed."""
        self.seconds()
        self._living.pop(container, None)


def read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(errors="replace")
    return ""


class Meter:
    """Counts what the containers of one way have used, the removed ones included."""

    def __init__(self, daemons: Daemons) -> None:
        self._daemons = daemons
        self._running: dict[str, tuple[Path, float]] = {}
        """Group and last reading of each container."""
        self._ended = 0.0
        self._aside_wall = 0.0
        self._aside_cpu = 0.0
        self.starts = 0
        """Sandboxes that were started."""

    def now(self) -> Usage:
        """Readings of all counters; only their differences mean anything."""
        with self.aside():
            sandbox = self._ended + sum(map(self._read, tuple(self._running)))
            daemons = self._daemons.seconds()
        return Usage(
            wall=time.monotonic() - self._aside_wall,
            engine=time.process_time() - self._aside_cpu,
            sandbox=sandbox,
            daemons=daemons,
        )

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take off what is done inside: it belongs to the measuring."""
        wall, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self._aside_wall += time.monotonic() - wall
            self._aside_cpu += time.process_time() - cpu

    def start(self, container: str) -> None:
        """Count a container whose runner was started. Raises SandboxError when it cannot be."""
        with self.aside():
            group = find_group(self._daemons.find_process(container))
            self._running[container] = group, 0.0
            self.starts += 1

    def end(self, container: str) -> None:
        """Take the last reading of a container that is about to die."""
        with self.aside():
            if container in self._running:
                self._ended += self._read(container)
                del self._running[container]
                self._daemons.drop(container)

    def _read(self, container: str) -> float:
        """Read a container; of one that died meanwhile the last reading stays."""
        group, seconds = self._running[container]
        with suppress(OSError):
            seconds = group_seconds(group)
        self._running[container] = group, seconds
        return seconds


class MeteredBackend:
    """A Docker backend whose containers are counted by a meter."""

    def __init__(self, inner: Backend, meter: Meter) -> None:
        self.kind: SandboxKind = inner.kind
        self._inner = inner
        self._meter = meter

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        return await self._inner.build(checkout, tree, plan, env=env, fresh=fresh)

    async def exists(self, environment: Environment) -> bool:
        return await self._inner.exists(environment)

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> MeteredSandbox:
        started = await self._inner.start(environment, limits=limits)
        return MeteredSandbox(started, self._meter)


class MeteredSandbox:
    """A container that is read for the last time before it is closed."""

    def __init__(self, inner: Sandbox, meter: Meter) -> None:
        assert isinstance(inner, DockerSandbox)
        self._inner = inner
        self._meter = meter
        self._container = str(inner._container.id)

    @property
    def tree(self) -> str:
        return self._inner.tree

    async def runner(self) -> MeteredChannel:
        channel = await self._inner.runner()
        self._meter.start(self._container)
        return MeteredChannel(channel, self._container, self._meter)

    async def close(self) -> None:
        self._meter.end(self._container)
        await self._inner.close()


class MeteredChannel:
    """A channel whose closing kills the container's processes, and so their counting."""

    def __init__(self, inner: Channel, container: str, meter: Meter) -> None:
        self._inner = inner
        self._container = container
        self._meter = meter

    async def send(self, frame: Frame) -> None:
        await self._inner.send(frame)

    async def receive(self, *, timeout: float) -> Frame:
        return await self._inner.receive(timeout=timeout)

    async def close(self) -> None:
        self._meter.end(self._container)
        await self._inner.close()

"""A backend whose sandboxes are counted: each way of screening has one, with a meter of its own.

What is counted, and how exactly, stands in ``benchmarks/validation_counters.py``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.validation_counters import (
    Daemons,
    GroupProbe,
    OwnGroup,
    Probe,
    TreeProbe,
    Usage,
    counting,
    inside,
    inside_own_group,
    peaking,
)
from harness.sandboxes.docker_backend import DockerSandbox
from harness.sandboxes.process import ProcessChannel
from harness.sandboxes.sandbox import Backend, Channel, Frame, Limits, Sandbox
from storage.errors import SandboxError
from storage.records import Environment, Plan, SandboxKind


class Meter:
    """Counts what the sandboxes of one way have used, the removed ones included."""

    def __init__(self, daemons: Daemons | None) -> None:
        self._daemons = daemons
        self._probes: dict[Probe, float] = {}
        """What is running, with its last reading."""
        self._ended = 0.0
        self._aside_wall = 0.0
        self._aside_cpu = 0.0
        self.starts = 0
        """Sandboxes that were started."""
        self.peak = 0
        """Bytes that one sandbox held at the most."""

    def now(self) -> Usage:
        """Readings of all counters; only their differences mean anything."""
        with self.aside():
            sandbox = self._ended + sum(map(self._read, tuple(self._probes)))
            daemons = 0.0 if self._daemons is None else self._daemons.seconds()
        return Usage(
            wall=time.monotonic() - self._aside_wall,
            engine=time.process_time() - self._aside_cpu,
            sandbox=sandbox,
            daemons=daemons,
        )

    def _read(self, probe: Probe) -> float:
        """Read a sandbox; of one that died meanwhile the last reading stays."""
        with suppress(OSError):
            self._probes[probe] = probe.cpu()
        return self._probes[probe]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take off what is done inside: it belongs to the measuring."""
        wall, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self._aside_wall += time.monotonic() - wall
            self._aside_cpu += time.process_time() - cpu

    def watch(self, sandbox: Sandbox, channel: Channel, own: OwnGroup | None) -> Probe:
        """Count a sandbox whose runner was started. Raises SandboxError when it cannot be."""
        probe = self._probe(sandbox, channel, own)
        self._probes[probe] = 0.0
        self.starts += 1
        return probe

    def _probe(self, sandbox: Sandbox, channel: Channel, own: OwnGroup | None) -> Probe:
        if isinstance(sandbox, DockerSandbox):
            container = str(sandbox._container.id)
            shim = None if self._daemons is None else self._daemons.shim(container)
            pid = None if shim is None else inside(shim, container)
        else:
            assert isinstance(channel, ProcessChannel)
            pid = channel._process.pid
        if pid is None:
            raise SandboxError("the containers' processes cannot be seen from here, nor measured")
        memory = peaking(pid)
        if own is not None:
            return GroupProbe(own.usage, memory, less=own.less)
        usage = counting(pid)
        return TreeProbe(pid) if usage is None else GroupProbe(usage, memory)

    def note_peak(self, probe: Probe) -> None:
        """Read the peak memory while it can be."""
        with suppress(OSError):
            self.peak = max(self.peak, probe.peak())

    def end(self, sandbox: Sandbox, probe: Probe) -> None:
        """Take the last reading of a sandbox that is about to die, or has died."""
        if probe not in self._probes:
            return
        self._ended += self._read(probe)
        del self._probes[probe]
        self.note_peak(probe)
        if isinstance(sandbox, DockerSandbox) and self._daemons is not None:
            self._daemons.gone(str(sandbox._container.id))

    def note_peaks(self) -> None:
        """Read the peak memory of what is still running."""
        for probe in self._probes:
            self.note_peak(probe)


class MeteredBackend:
    """A backend whose sandboxes are counted by a meter."""

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

    async def start(self, environment: Environment, *, limits: Limits) -> MeteredSandbox:
        started = await self._inner.start(environment, limits=limits)
        return MeteredSandbox(started, self._meter)


class MeteredSandbox:
    """A sandbox that is read for the last time when it is closed."""

    def __init__(self, inner: Sandbox, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter
        self._channels: list[MeteredChannel] = []

    @property
    def tree(self) -> str:
        return self._inner.tree

    async def runner(self) -> MeteredChannel:
        own: list[OwnGroup] = []
        channel: Channel
        if isinstance(self._inner, DockerSandbox):
            channel = await self._inner.runner()
        else:
            async with inside_own_group() as own:
                channel = await self._inner.runner()
        with self._meter.aside():
            group = own[0] if own else None
            probe = self._meter.watch(self._inner, channel, group)
            metered = MeteredChannel(channel, self._inner, self._meter, probe, group)
        self._channels.append(metered)
        return metered

    async def close(self) -> None:
        for channel in self._channels:
            channel.before()
        await self._inner.close()
        for channel in self._channels:
            channel.after()


class MeteredChannel:
    """A channel whose closing ends the sandbox's processes, and so their counting."""

    def __init__(
        self, inner: Channel, sandbox: Sandbox, meter: Meter, probe: Probe, own: OwnGroup | None
    ) -> None:
        self._inner = inner
        self._sandbox = sandbox
        self._meter = meter
        self._probe = probe
        self._own = own

    async def send(self, frame: Frame) -> None:
        await self._inner.send(frame)

    async def receive(self, *, timeout: float) -> Frame:
        return await self._inner.receive(timeout=timeout)

    def before(self) -> None:
        """Read what is lost with the processes."""
        with self._meter.aside():
            self._meter.note_peak(self._probe)
            if self._own is None:
                self._meter.end(self._sandbox, self._probe)

    def after(self) -> None:
        """Read what can be read best once they are gone."""
        with self._meter.aside():
            self._meter.end(self._sandbox, self._probe)
            if self._own is not None:
                self._own.close()

    async def close(self) -> None:
        self.before()
        await self._inner.close()
        self.after()

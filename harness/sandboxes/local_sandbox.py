"""One place of the local sandbox: its own tree, and a runner in it."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from harness.runner_archive import INSIDE
from harness.sandboxes import bubblewrap, seccomp
from harness.sandboxes.bubblewrap import Cage
from harness.sandboxes.control_groups import make_group
from harness.sandboxes.process import ProcessChannel, start_runner
from harness.sandboxes.sandbox import SandboxLimits
from harness.sandboxes.work_tree import frame_archive, make_unpack_command, megabytes
from harness.sandboxes.workplaces import (
    accounts,
    make_scratch,
    release,
)

FIXED = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
    "TZ": "UTC",
}
"""What every test run sees, whatever the host's settings are."""
MAPPED_USER = 1000

Isolation = Literal["bubblewrap", "process"]


class LocalSandbox:
    """One place with its own tree; the runner starts in it."""

    def __init__(
        self,
        *,
        first: Path,
        place: Path,
        prefix: Path,
        runner: Path,
        env: Mapping[str, str],
        limits: SandboxLimits,
        isolation: Isolation,
        archive: bytes,
        user: int | None = None,
        hidden: Sequence[tuple[Path, Path]] = (),
    ) -> None:
        self._hidden = hidden
        self._user = user
        self._archive = archive
        self._first = first
        self._place = place
        self._prefix = prefix
        self._runner = runner
        self._env = env
        self._limits = limits
        self._isolation = isolation
        self._tmp = make_scratch() if isolation == "process" else None
        self._channels: list[ProcessChannel] = []

    @property
    def tree(self) -> str:
        """The first place's in a cage, which is laid over it; else its own."""
        return str(self._home / "tree")

    @property
    def _home(self) -> Path:
        return self._first if self._isolation == "bubblewrap" else self._place

    async def runner(self) -> ProcessChannel:
        """Start the runner. Raises SandboxError."""
        home = self._home
        venv = home / "venv"
        env = {**FIXED, **self._env, "VIRTUAL_ENV": str(venv)}
        env["PATH"] = f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        if self._isolation == "process":
            env.update(dict.fromkeys(("HOME", "TMPDIR"), str(self._tmp)))
            channel = await start_runner(
                [str(venv / "bin" / "python"), str(self._runner), "serve"],
                env=env,
                cwd=self._place / "tree",
                limits=self._limits,
                user=os.getuid(),
                mark=env["VIRTUAL_ENV"],
            )
        else:
            channel = await self._start_caged(home, env)
        self._channels.append(channel)
        return channel

    async def _start_caged(self, home: Path, env: Mapping[str, str]) -> ProcessChannel:
        with seccomp.descriptor(platform.machine()) as program:
            cage = self._cage(home, env, program)
            return await start_runner(
                bubblewrap.arguments(cage, self._command(home)),
                env={"PATH": os.environ.get("PATH", os.defpath)},
                cwd=self._place,
                limits=self._limits,
                user=os.getuid() if self._user is None else self._user,
                group=await asyncio.to_thread(make_group, self._limits),
                kept=() if program is None else (program,),
                first=frame_archive(self._archive),
            )

    def _cage(self, home: Path, env: Mapping[str, str], program: int | None) -> Cage:
        """What the runner sees: the tree comes into an empty place of limited size."""
        return Cage(
            read_only=[
                *((p, p) for p in outside_system(self._prefix)),
                *self._hidden,
                (home / "venv", home / "venv"),
                (self._runner, Path(INSIDE)),
                *accounts(self._place, self._user or MAPPED_USER),
            ],
            writable=[],
            room=[(home, self._limits.tmp_mb + megabytes(self._archive))],
            cwd=home,
            env=env,
            tmp_mb=self._limits.tmp_mb,
            seccomp=program,
            user=self._user,
        )

    def _command(self, home: Path) -> list[str]:
        """Lay the tree, then become the runner, alone with these folders."""
        folders = ["/tmp", "/dev/shm", str(home)]
        return make_unpack_command(
            str(home / "venv" / "bin" / "python"),
            str(home / "tree"),
            [INSIDE, "serve", *folders],
        )

    async def close(self) -> None:
        """Kill what runs in it and remove its place."""
        for channel in self._channels:
            await channel.close()
        await asyncio.to_thread(release, self._place)
        if self._tmp is not None:
            await asyncio.to_thread(release, self._tmp)


def outside_system(*paths: Path) -> list[Path]:
    """Of these paths, those that the system's own folders do not already hold."""
    system = (*bubblewrap.SYSTEM, *bubblewrap.SETTINGS)
    found = {path for path in paths if not any(path.is_relative_to(top) for top in system)}
    return sorted(found)

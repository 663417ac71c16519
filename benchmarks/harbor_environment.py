"""Harbor's environment interface over the Docker engine alone, for machines without compose v2.

    PYTHONPATH=. harbor run --path FOLDER --agent oracle \\
        --env benchmarks.harbor_environment:EngineEnvironment

Runs in Harbor's own interpreter (Python 3.12 or newer), and needs only the ``docker`` command. It
builds a task's Dockerfile, and starts it with what our own containers have: no network, no new
privileges, limits. Of the capabilities those are kept that it takes to become another user.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from harbor.environments.base import BaseEnvironment, ExecResult  # type: ignore[import-not-found]
from harbor.environments.capabilities import (  # type: ignore[import-not-found]
    EnvironmentCapabilities,
)

KEPT = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SETPCAP")


class EngineEnvironment(BaseEnvironment):  # type: ignore[misc]
    """One container of one task."""

    _user = ""
    """Whom the image runs its commands as."""

    @staticmethod
    def type() -> str:
        return "bugfoundry-engine"

    @property
    def capabilities(self) -> Any:
        return EnvironmentCapabilities(disable_internet=True)

    def _validate_definition(self) -> None:
        if not (self.environment_dir / "Dockerfile").exists():
            raise FileNotFoundError(f"{self.environment_dir} holds no Dockerfile")

    @property
    def _name(self) -> str:
        return "harbor-" + hashlib.sha256(self.session_id.encode()).hexdigest()[:16]

    async def _docker(self, *words: str, timeout: float | None = None) -> ExecResult:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), timeout)
        except TimeoutError:
            process.kill()
            await process.wait()
            return ExecResult(stdout="", stderr="timed out", return_code=124)
        return ExecResult(
            stdout=out.decode(errors="replace"),
            stderr=err.decode(errors="replace"),
            return_code=process.returncode or 0,
        )

    async def _must(self, *words: str, timeout: float | None = None) -> str:
        done = await self._docker(*words, timeout=timeout)
        if done.return_code != 0:
            raise RuntimeError(f"docker {words[0]}: {done.stderr[-2000:]}")
        return str(done.stdout)

    async def start(self, force_build: bool) -> None:
        config = self.task_env_config
        tag = f"{self._name}:task"
        await self._must(
            *("build", "--quiet", "--tag", tag, str(self.environment_dir)),
            timeout=config.build_timeout_sec,
        )
        self._user = (await self._must("inspect", "--format", "{{.Config.User}}", tag)).strip()
        private = str(config.network_mode.value) == "no-network"
        await self._must(
            # Whoever is root later has the powers of the container's first process at most.
            *("run", "--detach", "--name", self._name, "--user", "root"),
            *("--network", "none" if private else "bridge"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *(word for name in KEPT for word in ("--cap-add", name)),
            *("--pids-limit", "512", "--memory", f"{config.memory_mb or 4096}m"),
            *("--cpus", str(config.cpus or 2)),
            *(tag, "sleep", "infinity"),
        )
        folders = "/logs/agent /logs/verifier /logs/artifacts /tests /solution"
        await self.exec(f"mkdir -p {folders} && chmod 777 {folders}", cwd="/", user="root")

    async def stop(self, delete: bool) -> None:
        await self._docker("rm", "--force", "--volumes", self._name)
        if delete:
            await self._docker("rmi", "--force", f"{self._name}:task")

    async def upload_file(self, source_path: Path | str, target_path: str) -> None:
        await self._must("cp", str(source_path), f"{self._name}:{target_path}")

    async def upload_dir(self, source_dir: Path | str, target_dir: str) -> None:
        await self.exec(f"mkdir -p {target_dir}", cwd="/", user="root")
        await self._must("cp", f"{source_dir}/.", f"{self._name}:{target_dir}")

    async def download_file(self, source_path: str, target_path: Path | str) -> None:
        Path(target_path).parent.mkdir(parents=True, exist_ok=True)
        await self._must("cp", f"{self._name}:{source_path}", str(target_path))

    async def download_dir(self, source_dir: str, target_dir: Path | str) -> None:
        Path(target_dir).mkdir(parents=True, exist_ok=True)
        await self._must("cp", f"{self._name}:{source_dir}/.", str(target_dir))

    async def exec(
        self,
        command: str,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout_sec: int | None = None,
        user: str | int | None = None,
    ) -> ExecResult:
        words = ["exec"]
        who = user if user is not None else self.default_user
        words += ["--user", str(who if who is not None else self._user or "root")]
        where = cwd or self.task_env_config.workdir
        if where:
            words += ["--workdir", where]
        for name, text in (env or {}).items():
            words += ["--env", f"{name}={text}"]
        return await self._docker(*words, self._name, "sh", "-c", command, timeout=timeout_sec)

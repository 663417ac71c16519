"""The local backend: environments in a cache folder, inside bubblewrap where it works."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from uv import find_uv_bin

from harness.runner_archive import find_archive
from harness.sandboxes import bubblewrap
from harness.sandboxes.bubblewrap import Cage
from harness.sandboxes.cancellation import check_wanted, step, stoppable
from harness.sandboxes.hidden_copies import find_hidden_copies
from harness.sandboxes.interpreters import Interpreter, find_interpreter
from harness.sandboxes.local_sandbox import Isolation, LocalSandbox, outside_system
from harness.sandboxes.process_tree import kill_tree
from harness.sandboxes.sandbox import BuildFailed, SandboxLimits
from harness.sandboxes.start_state import files_of, make_repository
from harness.sandboxes.work_tree import pack
from harness.sandboxes.workplaces import (
    Stamp,
    claim,
    clear_away,
    copy_environment,
    host_user,
    read_stamp,
    release,
    sweep,
)
from storage.errors import SandboxError
from storage.locks import hold_lock
from storage.records import Environment, Plan, SandboxKind, digest
from storage.scratch import sweep_scratch
from storage.whole_files import name_lock, run_once, write_whole_file

log = logging.getLogger(__name__)

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
BUILD_TIMEOUT = 1200
GONE = "environment {name} is gone; use --rebuild"
DETAIL_LIMIT = 4000
WARNING = (
    "local sandbox without bubblewrap: the repository's code runs as a plain process with "
    "resource limits only; install bubblewrap or use --sandbox docker for code you do not trust"
)


class LocalBackend:
    """Builds environments in the cache and starts sandboxes from them on this machine."""

    kind: SandboxKind = "local"

    def __init__(
        self,
        cache: Path,
        *,
        runner: Path | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        # Links are followed: an environment holds its own path, and a cage binds it there.
        self._envs = (cache / "envs").resolve()
        self._uv_cache = (cache / "uv").resolve()
        self._cache = cache
        self._runner = runner
        self.isolation: Isolation = isolation or ("bubblewrap" if bubblewrap.works() else "process")
        self._archive: tuple[tuple[Path, Stamp | None], bytes] | None = None
        if self.isolation == "process":
            log.warning(WARNING)

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        """Install a copy of ``checkout`` as ``plan`` says; cancelled, it ends what it started.

        Raises BuildFailed.
        """
        return await stoppable(lambda: self._build(checkout, tree, plan, dict(env), fresh))

    def _build(
        self, checkout: Path, tree: str, plan: Plan, env: dict[str, str], fresh: bool
    ) -> Environment:
        interpreter = find_interpreter(plan.python)
        steps = json.dumps([plan.python, plan.install, plan.env, *make_date_key(plan)])
        root = self._envs / digest(tree, steps, interpreter.version)[:16]
        ready = root / "ready.json"
        # A fresh one is anew for whoever asks now: one made while we waited is.
        before = read_stamp(ready) if fresh else None
        run_once(
            name_lock(root),
            lambda: ready.exists() and read_stamp(ready) != before,
            lambda: self._make(checkout, root, plan, interpreter, env),
            on_wait=check_wanted,
        )
        built = json.loads(ready.read_text())
        return Environment(
            tree=tree,
            plan=plan,
            sandbox=self.kind,
            python=interpreter.version,
            lock=built["lock"],
            seconds=built.get("seconds", 0.0),
            size=built.get("size", 0),
            base=f"{platform.system().lower()}-cpython-{interpreter.version}",
            arch=platform.machine(),
            handle=root.name,
        )

    def _make(
        self,
        checkout: Path,
        root: Path,
        plan: Plan,
        interpreter: Interpreter,
        env: dict[str, str],
    ) -> None:
        """Build from nothing; the file that says it is whole comes last, in one."""
        clear_away(root)
        started = time.monotonic()
        try:
            self._install(checkout, root, plan, interpreter, env)
            built = {
                "lock": self._freeze(root, interpreter),
                "seconds": round(time.monotonic() - started, 3),
                "size": size_of(root),
            }
            write_whole_file(root / "ready.json", json.dumps(built).encode())
        except BuildFailed:
            shutil.rmtree(root, ignore_errors=True)
            raise

    def _install(
        self,
        checkout: Path,
        root: Path,
        plan: Plan,
        interpreter: Interpreter,
        env: dict[str, str],
    ) -> None:
        first = root / "w00"
        first.mkdir(parents=True)
        self._uv_cache.mkdir(parents=True, exist_ok=True)
        shutil.copytree(
            checkout, first / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git")
        )
        uv = find_uv_bin()
        self._command(
            root,
            [uv, "venv", "--quiet", "--python", str(interpreter.executable), str(first / "venv")],
            interpreter,
            env,
        )
        python = str(first / "venv" / "bin" / "python")
        settings = {**env, **dict(plan.env), **uv_settings(plan)}
        for words in plan.install:
            command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
            self._command(root, [*command, *words], interpreter, settings, folder=plan.folder)
        for cache in list((first / "tree").rglob("__pycache__")):
            shutil.rmtree(cache, ignore_errors=True)
        make_repository(first / "tree", files_of(checkout))
        subprocess.run(["chmod", "-R", "a+rX", first / "venv"], check=False)

    def _freeze(self, root: Path, interpreter: Interpreter) -> str:
        python = str(root / "w00" / "venv" / "bin" / "python")
        text = self._command(
            root, [find_uv_bin(), "pip", "freeze", "--quiet", "--python", python], interpreter, {}
        )
        return "\n".join(
            line for line in text.splitlines() if "==" in line and not line.startswith("-e")
        )

    def _command(
        self,
        root: Path,
        command: Sequence[str],
        interpreter: Interpreter,
        env: Mapping[str, str],
        *,
        folder: str = "",
    ) -> str:
        """Run one build step, in a cage with network where there is one. Raises BuildFailed."""
        tree = root / "w00" / "tree" / folder
        settings = {
            "PATH": f"{root / 'w00' / 'venv' / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "UV_CACHE_DIR": str(self._uv_cache),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "copy",
            "UV_NO_CONFIG": "1",
            "HOME": "/tmp",
            "LC_ALL": "C.UTF-8",
            **env,
        }
        words = list(command)
        if self.isolation == "bubblewrap":
            uv = Path(find_uv_bin())
            extra = [Path(env[name]) for name in CERTIFICATES if Path(env.get(name, "")).is_file()]
            accounts_of_host = [Path(path) for path in bubblewrap.ACCOUNTS]
            cage = Cage(
                read_only=[
                    (p, p)
                    for p in outside_system(interpreter.prefix, uv, *extra, *accounts_of_host)
                ],
                writable=[(root, root), (self._uv_cache, self._uv_cache)],
                cwd=tree,
                env=settings,
                network=True,
            )
            words = bubblewrap.arguments(cage, words)
        code, output = run_bounded(words, cwd=tree, env=settings)
        if code != 0:
            raise BuildFailed("install-failed", output[-DETAIL_LIMIT:])
        return output

    async def exists(self, environment: Environment) -> bool:
        """Say whether the environment's folder is still there, and whole."""
        return (self._envs / environment.handle / "ready.json").exists()

    async def start(self, environment: Environment, *, limits: SandboxLimits) -> LocalSandbox:
        """Start a fresh sandbox with its own copy of the tree. Raises SandboxError."""
        root = self._envs / environment.handle
        if not await self.exists(environment):
            raise SandboxError(GONE.format(name=environment.handle))
        return await asyncio.to_thread(self._start, root, environment, limits)

    def _start(self, root: Path, environment: Environment, limits: SandboxLimits) -> LocalSandbox:
        sweep_scratch(Path(tempfile.gettempdir()), remove=release)
        place = self._claim(root)
        if self.isolation == "process":
            copy_environment(root / "w00", place)
        interpreter = find_interpreter(environment.plan.python)
        return LocalSandbox(
            first=root / "w00",
            place=place,
            prefix=interpreter.prefix,
            runner=self._runner or find_archive(self._cache),
            env=dict(environment.plan.env),
            limits=limits,
            isolation=self.isolation,
            user=self._user(place),
            archive=self._pack_tree(root / "w00" / "tree")
            if self.isolation == "bubblewrap"
            else b"",
            hidden=find_hidden_copies(root, interpreter.prefix, environment.plan.folder)
            if self.isolation == "bubblewrap"
            else (),
        )

    def claim_place(self, environment: Environment) -> tuple[Path, Path, int | None]:
        """Claim a place, to be released; return the environment's folder, the place, its user."""
        root = self._envs / environment.handle
        place = self._claim(root)
        return root / "w00", place, self._user(place)

    def _claim(self, root: Path) -> Path:
        """Claim a place in an environment that stands, and is not removed or rebuilt meanwhile."""
        with hold_lock(name_lock(root)):
            if not (root / "ready.json").exists():
                raise SandboxError(GONE.format(name=root.name))
            sweep(root)
            return claim(root)

    def _pack_tree(self, tree: Path) -> bytes:
        """The work tree as it goes into each sandbox, packed once for each build."""
        key = (tree, read_stamp(tree.parents[1] / "ready.json"))
        kept = self._archive
        # Threads start sandboxes side by side, and not all of one environment.
        if kept is None or kept[0] != key:
            kept = self._archive = (key, pack(tree))
        return kept[1]

    def _user(self, place: Path) -> int | None:
        """The host's user to run as, where we are root and can choose; else it is our own."""
        if self.isolation != "bubblewrap" or os.getuid() != 0:
            return None
        user = host_user(place)
        return user if bubblewrap.works(host_user(place.with_name("w00"))) else None


def make_date_key(plan: Plan) -> list[str]:
    """The part of a build's key that only plans with a date have."""
    return [plan.exclude_newer] if plan.exclude_newer else []


def uv_settings(plan: Plan) -> dict[str, str]:
    """What a plan tells uv by its variables, for builds of distributions too."""
    return {"UV_EXCLUDE_NEWER": plan.exclude_newer} if plan.exclude_newer else {}


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    found = (Path(current, name) for current, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in found)


def run_bounded(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a build step; return its exit code and what it printed.

    Raises BuildFailed when it takes too long or is wanted no longer; all that it started is killed
    then.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            with step(lambda: kill_tree(process.pid)):
                output, _ = process.communicate(timeout=BUILD_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            kill_tree(process.pid)
            raise BuildFailed("timeout", f"an install step took over {BUILD_TIMEOUT} s") from error
        except BuildFailed:
            kill_tree(process.pid)
            raise
    return process.returncode, output

"""A job on a machine of its own: folders, variables, and its steps one after another."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.furniture.actions import expressions
from tests.furniture.actions.artifacts import Artifacts
from tests.furniture.actions.spoken import Hearing
from tests.furniture.actions.workflows import STEP_KEYS, Document, WorkflowError, load
from tests.furniture.actions.workflows import refuse_unknown as refuse

SHELLS: Mapping[str, tuple[str, ...]] = {
    "": ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
}
"""https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell"""
GRACE = (7.5, 2.5)
"""Seconds after SIGINT until SIGTERM, and after that until SIGKILL, when a run is cancelled."""
PASSED = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
"""Of this machine's variables, what any machine needs to reach the package index."""

Hook = Callable[["Machine", str, "subprocess.Popen[bytes]"], None]


class Lost(Exception):
    """The machine is gone, and no step of its job is run any more."""


class StepFailed(Exception):
    """A step went wrong, and why."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What all jobs of a run share."""

    tool: Path
    """The repository that the workflows are in."""
    tool_name: str
    """What others call it."""
    code: str
    """URL or path of the repository that the run is of."""
    github: Document
    artifacts: Artifacts
    root: Path
    actions: Path
    """Where the tool's repository is laid, once for all machines: to install it takes longest."""
    env: Mapping[str, str]
    cancelled: Callable[[], bool]
    started: Hook
    """Told of every process of a step."""
    registries: list[tuple[str, str]] = field(default_factory=list)
    """Logins to registries: registry and user."""


@dataclass(kw_only=True)
class Machine:
    """One job's machine."""

    world: World
    job: str
    permissions: Mapping[str, str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    failed: bool = False
    token: str = field(default_factory=lambda: f"ghs_{uuid.uuid4().hex}", repr=False)

    def __post_init__(self) -> None:
        for each in (self.workspace, self.temp, self.home):
            each.mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        return self.folder / "work"

    @property
    def temp(self) -> Path:
        return self.folder / "temp"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def say(self, text: str) -> None:
        """Add to the job's log. The token in it is masked, as GitHub does."""
        self.log.append(text.replace(self.token, "***"))

    def functions(self) -> dict[str, Callable[[], bool]]:
        """The status functions, as a step sees them."""
        return {
            "success": lambda: not self.failed and not self.world.cancelled(),
            "failure": lambda: self.failed,
            "cancelled": self.world.cancelled,
            "always": lambda: True,
        }

    def run_steps(self, steps: list[Document], contexts: Document) -> None:
        """Run a job's steps in order. Raises Lost."""
        for number, step in enumerate(steps):
            self.run_step(step, {**contexts, "steps": self.steps, "env": self.env}, number)

    def run_step(self, step: Document, contexts: Document, number: int) -> None:
        """Run one step, and note what came of it."""
        name = str(step.get("name") or step.get("id") or step.get("uses") or step.get("run"))
        functions = self.functions()
        env = {**self.env, **self._rendered(step.get("env") or {}, contexts)}
        contexts = {**contexts, "env": env}
        result: dict[str, Any] = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
        if "id" in step:
            self.steps[step["id"]] = result
        if not expressions.condition(step.get("if"), contexts, functions):
            self.say(f"-- skipped: {name}")
            return
        self.say(f"-- {name}")
        try:
            result["outputs"] = self._do(step, contexts, env)
            result["outcome"] = "success"
        except StepFailed as failure:
            self.say(f"!! {name}: {failure}")
            result["outcome"] = "failure"
        forgiven = expressions.render(step.get("continue-on-error", False), contexts, functions)
        bad = result["outcome"] == "failure"
        result["conclusion"] = "success" if bad and forgiven else result["outcome"]
        self.failed = self.failed or result["conclusion"] == "failure"

    def _rendered(self, values: Document, contexts: Document) -> dict[str, str]:
        functions = self.functions()
        return {
            key: expressions.as_text(expressions.render(value, contexts, functions))
            for key, value in values.items()
        }

    def _do(self, step: Document, contexts: Document, env: dict[str, str]) -> dict[str, str]:
        if "run" in step:
            script = expressions.as_text(expressions.render(step["run"], contexts))
            return self.run_script(script, env, step.get("shell", ""))
        values = self._rendered(step.get("with") or {}, contexts)
        return self._use(step["uses"], values, contexts, env)

    def _use(
        self, name: str, values: dict[str, str], contexts: Document, env: dict[str, str]
    ) -> dict[str, str]:
        """Run an action: a composite one step by step, others by what stands in for them."""
        from tests.furniture.actions.uses import implementation

        if name.startswith("$/"):
            return self._composite(self.world.tool / name[2:], values, contexts, env)
        if name.startswith("./"):
            return self._composite(self.workspace / name, values, contexts, env)
        mine, at, commit = name.removeprefix(f"{self.world.tool_name}/").partition("@")
        if name.startswith(f"{self.world.tool_name}/") and at and len(commit) == 40:
            return self._composite(self.world.tool / mine, values, contexts, env)
        return implementation(name)(self, values, env)

    def _composite(
        self, folder: Path, values: dict[str, str], contexts: Document, env: dict[str, str]
    ) -> dict[str, str]:
        """Run a composite action; its repository lies whole beside it, as it does at GitHub."""
        place = self._downloaded(folder)
        action = load(place / "action.yml")
        if action["runs"]["using"] != "composite":
            raise WorkflowError(f"{folder}: only composite actions are built here")
        declared = action.get("inputs") or {}
        if unknown := set(values) - set(declared):
            raise WorkflowError(f"{folder} has no input {', '.join(unknown)}")
        inputs = {
            name: values.get(name, about.get("default", "")) for name, about in declared.items()
        }
        inner: dict[str, Any] = {
            **contexts,
            "inputs": inputs,
            "steps": {},
            "github": {**contexts["github"], "action_path": str(place)},
        }
        outer, self.steps = self.steps, inner["steps"]
        was_failed = self.failed
        try:
            for number, step in enumerate(action["runs"]["steps"]):
                refuse(step, STEP_KEYS, str(folder))
                self.run_step(step, {**inner, "env": {**env, **self.env}}, number)
                if self.failed and not was_failed:
                    raise StepFailed(f"{folder.name} failed")
        finally:
            self.steps = outer
            self.failed = was_failed
        outputs = {name: about["value"] for name, about in (action.get("outputs") or {}).items()}
        return self._rendered(outputs, inner)

    def _downloaded(self, folder: Path) -> Path:
        """Lay the repository of an action where a machine would, and return the action's folder."""
        place = self.folder / "actions"
        if not place.exists():
            lay(self.world.tool, self.world.actions)
            place.symlink_to(self.world.actions)
        return place / folder.relative_to(self.world.tool)

    def run_script(self, script: str, env: Mapping[str, str], shell: str) -> dict[str, str]:
        """Run a script as a step's, and return the outputs that it set. Raises StepFailed."""
        if shell not in SHELLS:
            raise WorkflowError(f"the shell {shell!r} is not built here")
        file = self.temp / f"{uuid.uuid4().hex}.sh"
        file.write_text(script)
        files = {name: self.temp / f"{name}-{file.stem}" for name in COMMAND_FILES}
        for each in files.values():
            each.touch()
        heard = Hearing()
        code = self.run_process([*SHELLS[shell], str(file)], {**env, **as_strings(files)}, heard)
        if heard.refused:
            raise StepFailed(f"{', '.join(heard.refused)}: no longer taken from what is printed")
        self.env.update(assignments(files["GITHUB_ENV"].read_text()))
        self.path[:0] = reversed(files["GITHUB_PATH"].read_text().split("\n")[:-1])
        if code != 0:
            raise StepFailed(f"exit code {code}")
        return heard.outputs | assignments(files["GITHUB_OUTPUT"].read_text())

    def run_process(self, command: list[str], env: Mapping[str, str], heard: Hearing) -> int:
        """Run a process of a step, obey what it prints, and return its exit code.

        A cancelled run ends it.
        """
        with subprocess.Popen(
            command,
            cwd=self.workspace,
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            self.world.started(self, " ".join(command), process)
            output = self._wait(process)
        lines = output.decode(errors="replace").splitlines()
        heard.hear(lines)
        for line in lines:
            for secret in heard.masks:
                line = line.replace(secret, "***")
            self.say(f"   {line}")
        return process.returncode

    def _wait(self, process: subprocess.Popen[bytes]) -> bytes:
        signals = iter((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
        pauses = iter((*GRACE, 0.0))
        due: float | None = None
        while True:
            try:
                return process.communicate(timeout=0.2)[0]
            except subprocess.TimeoutExpired:
                if not self.world.cancelled() or (due is not None and time.monotonic() < due):
                    continue
                number, pause = next(signals, signal.SIGKILL), next(pauses, 0.0)
                self.say(f"   (cancelled: {number.name})")
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                due = time.monotonic() + pause

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """All variables of a process: this machine's own are not among them."""
        github = self.world.github
        system = os.environ.get("PATH", os.defpath)
        own = Path(os.environ.get("VIRTUAL_ENV", "/nowhere")) / "bin"
        path = [part for part in system.split(os.pathsep) if Path(part) != own]
        passed = {name: os.environ[name] for name in PASSED if name in os.environ}
        return {
            **passed,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": github["actor"],
            "GITHUB_API_URL": github["api_url"],
            "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_JOB": self.job,
            "GITHUB_REF": github["ref"],
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_RUN_ATTEMPT": github["run_attempt"],
            "GITHUB_RUN_ID": github["run_id"],
            "GITHUB_SHA": github["sha"],
            "GITHUB_WORKSPACE": str(self.workspace),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            **self.world.env,
            **env,
            "PATH": os.pathsep.join([*self.path, *path]),
        }


LAYING = threading.Lock()


def lay(tool: Path, place: Path) -> None:
    """Copy the files that git knows of, where nothing lies yet."""
    with LAYING:
        if place.exists():
            return
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=tool,
            capture_output=True,
            check=True,
        ).stdout.split(b"\0")
        partial = place.with_name(f".{place.name}.part")
        for path in filter(None, listed):
            source = tool / os.fsdecode(path)
            if source.is_file():
                target = partial / os.fsdecode(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        partial.rename(place)


COMMAND_FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


def as_strings(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items()}


def assignments(text: str) -> dict[str, str]:
    """Read a file of ``name=value`` lines, and of values between delimiters."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n")[:-1])
    for line in lines:
        name, sign, value = line.partition("=")
        if "<<" in name or not sign:
            name, sign, end = line.partition("<<")
            if not sign:
                raise StepFailed(f"{line!r} sets nothing")
            parts = []
            for each in lines:
                if each == end:
                    break
                parts.append(each)
            else:
                raise StepFailed(f"{end!r} does not end {name}")
            value = "\n".join(parts)
        found[name] = value
    return found

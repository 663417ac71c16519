"""Mutation testing tools beside ours: each in an environment of its own, on a copy of the tree.

They run as their makers say, on this machine and outside of any sandbox: only for repositories
that you trust. CPU is what the kernel says of the tool's process and of all descendants that were
waited for (``wait4``); at the end of the tool's own set-up, where it comes in the middle of a
command, the process tree's (to a hundredth of a second for each dead child).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from uv import find_uv_bin

from benchmarks.validation.usage import Usage, tree_seconds
from forge.run.build_variables import build_env
from forge.run.preparation import Ready
from harness.sandboxes.interpreters import find_interpreter
from harness.sandboxes.local_backend import uv_settings
from harness.sandboxes.process_tree import kill_tree
from storage.errors import BugfoundryError
from storage.trees import Trees

INSTALL_TIMEOUT = 1200.0
TAIL = 6000
SHOWN = 400


class ToolFailed(Exception):
    """A tool that could not do its work here; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """What one tool did, and what that cost."""

    tool: str
    version: str = ""
    mutants: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    setup: Usage = field(default_factory=Usage)
    run: Usage = field(default_factory=Usage)
    """All mutants together."""
    note: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    """Its end."""
    usage: Usage
    marked: Usage = field(default_factory=Usage)
    """What had been used when it wrote the marker."""

    def require(self, what: str) -> Done:
        """Raise ToolFailed unless it went well."""
        if self.code:
            raise ToolFailed(f"{what} ended with code {self.code}: {last_words(self.output)}")
        return self


def last_words(output: str) -> str:
    """The last lines that say something, in one."""
    lines = [line.strip() for line in output.replace("\r", "\n").splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-SHOWN:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A copy of the tree, and an environment with the repository's dependencies and a tool."""

    tree: Path
    venv: Path
    env: Mapping[str, str]
    version: str
    arguments: Sequence[str]
    """Arguments for pytest, as the plan has them; what does not serve is deselected."""
    sources: Sequence[str]
    """Files that may be mutated, as for our own bugs."""
    limit: float

    def run(self, *words: str, marker: str = "") -> Done:
        """Run a command of the environment in the tree."""
        return counted(
            [str(self.venv / "bin" / words[0]), *words[1:]],
            cwd=self.tree,
            env=self.env,
            limit=self.limit,
            marker=marker,
        )


def counted(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    limit: float,
    marker: str = "",
) -> Done:
    """Run a command to its end, or kill it at the limit; count what it used."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    late = threading.Timer(limit, kill_tree, [process.pid])
    late.start()
    tail, marked = "", Usage()
    try:
        with process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace")
                tail = (tail + text)[-TAIL:]
                if marker and marker in text and not marked.wall:
                    used = tree_seconds(process.pid)
                    marked = Usage(wall=time.monotonic() - started, sandbox=used)
    except BaseException:
        kill_tree(process.pid)
        raise
    finally:
        late.cancel()
        _, status, used_up = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if wall > limit:
        tail += f"\nkilled after {limit:.0f} s"
    return Done(
        code=process.returncode,
        output=tail,
        usage=Usage(wall=wall, sandbox=used_up.ru_utime + used_up.ru_stime),
        marked=marked,
    )


@contextmanager
def workshop(
    tool: str, ready: Ready, trees: Trees, sources: Sequence[str], limit: float
) -> Iterator[Workshop]:
    """Make a tool's environment in a temporary folder. Raises ToolFailed."""
    with TemporaryDirectory(prefix=f"bugfoundry-{tool}-") as place:
        # The folder has the repository's name: mutmut guesses by it.
        tree = Path(place, ready.repository.name)
        trees.materialise(ready.repository.tree, tree)
        venv = Path(place, "venv")
        install(tool, ready, tree, venv)
        env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            **dict(ready.prepared.environment.plan.env),
            "PATH": f"{venv / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(venv),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
        }
        yield Workshop(
            tree=tree,
            venv=venv,
            env=env,
            version=version_of(tool, venv),
            arguments=arguments(ready),
            sources=sources,
            limit=limit,
        )


def install(tool: str, ready: Ready, tree: Path, venv: Path) -> None:
    """Install as the plan says, then the tool. Raises ToolFailed."""
    plan = ready.prepared.environment.plan
    uv = find_uv_bin()
    try:
        python = find_interpreter(plan.python).executable
    except BugfoundryError as error:
        raise ToolFailed(f"Python {plan.python}: {error}") from error
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "UV_NO_CONFIG": "1",
        **build_env(),
        **dict(plan.env),
    }
    dated = {**env, **uv_settings(plan)}
    pip = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
    steps = [([uv, "venv", "--quiet", "--python", str(python), str(venv)], env)]
    steps += [([*pip, *step], dated) for step in plan.install]
    steps += [([*pip, tool, "pytest"], env)]
    for command, settings in steps:
        done = counted(command, cwd=tree, env=settings, limit=INSTALL_TIMEOUT)
        done.require(" ".join(command[1:3]))


def version_of(tool: str, venv: Path) -> str:
    code = f"import importlib.metadata as m; print(m.version({tool!r}))"
    python = str(venv / "bin" / "python")
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "not known"


def arguments(ready: Ready) -> list[str]:
    """Return pytest's arguments: the plan's, without the tests that do not serve."""
    baseline = ready.prepared.baseline
    green = set(baseline.green)
    lost = [t.id for t in baseline.tests if t.id not in green and t.outcome != "skipped"]
    return [*ready.prepared.environment.plan.pytest_args, *(f"--deselect={test}" for test in lost)]


Work = Callable[[Workshop, int, int], ToolRow]
"""Run a tool on so many mutants, chosen by a seed. Raises ToolFailed."""


def measure_tool(
    tool: str,
    work: Work,
    ready: Ready,
    trees: Trees,
    sources: Sequence[str],
    *,
    mutants: int,
    seed: int,
    limit: float,
) -> ToolRow:
    """Run one tool; why it could not is in the row."""
    version = ""
    try:
        with workshop(tool, ready, trees, sources, limit) as place:
            version = place.version
            return work(place, mutants, seed)
    except (ToolFailed, OSError) as error:
        return ToolRow(tool=tool, version=version, failed=" ".join(str(error).split()))


def tops(sources: Sequence[str]) -> list[str]:
    """The folders of the tree that hold sources, and the sources at its top."""
    return sorted({source.partition("/")[0] for source in sources})


def forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)

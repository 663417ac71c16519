"""Let an agent work on a task in a sandbox: any command, in the start state's tree.

Nothing that the agent leaves is trusted: its git folders are thrown away, and a git of our own
reads its change from the files (``agent_work``).
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.sandboxes import bubblewrap, seccomp
from harness.sandboxes.agent_work import Ground, WorkTooLarge, read_patch
from harness.sandboxes.bubblewrap import Cage
from harness.sandboxes.control_groups import ControlGroup, make_group
from harness.sandboxes.interpreters import find_interpreter
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.local_sandbox import FIXED, MAPPED_USER, outside_system
from harness.sandboxes.process import make_limiter
from harness.sandboxes.process_tree import kill_tree
from harness.sandboxes.start_state import files_of, make_repository
from harness.sandboxes.workplaces import accounts, release
from storage.errors import SandboxError
from storage.git import GitError
from storage.records import Environment
from storage.trees import Trees

DESK = Path("/run/bugfoundry")
"""Where the agent finds the statement, and may leave its messages."""
STATEMENT = "statement.md"
TRAJECTORY = "trajectory.json"
OUTPUT_LIMIT = 100_000
LARGEST_TRAJECTORY = 128 << 20
NO_CAGE = "agents run in bubblewrap alone; install it (Debian: apt install bubblewrap)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the agent finds: the files of the start state, and what they are over."""

    trees: Trees
    tree: str
    over: str
    """The environment's tree: what it holds beyond the start state is taken away."""
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A command of a shell, and what it may use."""

    command: str
    timeout: float = 1800.0
    network: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Path] = ()
    """Folders of this machine that it sees, read-only and at the same place."""
    limits: SandboxLimits = field(default_factory=SandboxLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an agent left."""

    patch: str
    exit: int | None
    """None when its time ran out."""
    output: str
    """The end of what it printed."""
    trajectory: bytes = b""
    """What it wrote into the file for its messages."""
    error: str = ""
    """Why its change could not be read, by name; the patch is empty then."""
    detail: str = ""


async def run_agent(
    backend: LocalBackend, environment: Environment, start: Start, agent: Agent
) -> Work:
    """Run an agent on a start state. Raises SandboxError where no sandbox can be had."""
    if backend.isolation != "bubblewrap":
        raise SandboxError(NO_CAGE)
    home, place, user = await asyncio.to_thread(backend.claim_place, environment)
    try:
        ground = await asyncio.to_thread(lay_start_state, home, place, start, user)
        code = await run_caged(home, place, user, environment, agent)
        patch, error, detail = await asyncio.to_thread(read_work, ground)
        trajectory, note = read_trajectory(place / "desk" / TRAJECTORY)
        return Work(
            patch=patch,
            exit=code,
            output=end_of(place / "output"),
            trajectory=trajectory,
            error=error,
            detail=detail or note,
        )
    finally:
        await asyncio.to_thread(release, place)


def lay_start_state(home: Path, place: Path, start: Start, user: int | None) -> Ground:
    """Lay the start state over what the build left, as a repository of one commit."""
    tree, desk = place / "tree", place / "desk"
    shutil.copytree(home / "tree", tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    wanted = start.trees.paths(start.tree)
    for path in {*wanted, *start.trees.paths(start.over)}:
        (tree / path).unlink(missing_ok=True)
    left = files_of(tree)
    start.trees.materialise(start.tree, tree)
    make_repository(tree, sorted(wanted))
    desk.mkdir()
    (desk / STATEMENT).write_text(start.statement, encoding="utf-8")
    ground = Ground(
        work=tree,
        own=place / "git",
        trees=start.trees,
        start=start.tree,
        untracked=frozenset(left),
        left=(tree / ".git" / "info" / "exclude").read_bytes(),
    )
    if user is not None:
        for folder in (tree, desk):
            hand_over(folder, user)
    place.chmod(0o755)
    return ground


def read_work(ground: Ground) -> tuple[str, str, str]:
    """Return the agent's patch, or the name and the reason of what kept it from being read."""
    try:
        return read_patch(ground), "", ""
    except WorkTooLarge as error:
        return "", "patch-too-large", str(error)
    except (GitError, OSError) as error:
        return "", "work-unreadable", str(error)


def hand_over(folder: Path, user: int) -> None:
    """Make a folder and all below it a user's."""
    os.chown(folder, user, user)
    for current, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(current, name), user, user, follow_symlinks=False)


async def run_caged(
    home: Path, place: Path, user: int | None, environment: Environment, agent: Agent
) -> int | None:
    """Run the command; return its exit code, None when its time ran out."""
    group = await asyncio.to_thread(make_group, agent.limits)
    with seccomp.descriptor(platform.machine()) as program, (place / "output").open("wb") as out:
        cage = cage_of(home, place, user, environment, agent, program)
        words = bubblewrap.arguments(cage, ["/bin/sh", "-c", agent.command])
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=place,
            start_new_session=True,
            pass_fds=() if program is None else (program,),
            preexec_fn=make_limiter(
                agent.limits, user=os.getuid() if user is None else user, group=group
            ),
        )
    return await wait_for_exit(process, group, agent.timeout)


async def wait_for_exit(
    process: asyncio.subprocess.Process, group: ControlGroup | None, timeout: float
) -> int | None:
    """Wait for a process, and kill all that is left of it."""
    try:
        return await asyncio.wait_for(process.wait(), timeout)
    except TimeoutError:
        return None
    finally:
        await asyncio.to_thread(kill_tree, process.pid if process.returncode is None else None)
        await process.wait()
        if group is not None:
            await asyncio.to_thread(group.close)


def cage_of(
    home: Path,
    place: Path,
    user: int | None,
    environment: Environment,
    agent: Agent,
    program: int | None,
) -> Cage:
    """Describe what the agent sees: its tree where the environment has it, and its desk."""
    prefix = find_interpreter(environment.plan.python).prefix
    venv = home / "venv"
    env = {
        **FIXED,
        **dict(environment.plan.env),
        "PATH": f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(venv),
        "BUGFOUNDRY_STATEMENT_FILE": str(DESK / STATEMENT),
        "BUGFOUNDRY_TRAJECTORY_FILE": str(DESK / TRAJECTORY),
        **agent.env,
    }
    return Cage(
        read_only=[
            *((path, path) for path in outside_system(prefix, *agent.mounts)),
            (venv, venv),
            *accounts(place, user or MAPPED_USER),
        ],
        writable=[(place / "tree", home / "tree"), (place / "desk", DESK)],
        cwd=home / "tree",
        env=env,
        network=agent.network,
        tmp_mb=agent.limits.tmp_mb,
        seccomp=program,
        user=user,
    )


def end_of(path: Path) -> str:
    """Return the end of what was printed."""
    return path.read_bytes()[-OUTPUT_LIMIT:].decode("utf-8", "replace")


def read_trajectory(path: Path) -> tuple[bytes, str]:
    """Return the file of messages that the agent wrote, and what is to be said of it."""
    if path.is_symlink() or not path.is_file():
        return b"", ""
    if (size := path.stat().st_size) > LARGEST_TRAJECTORY:
        limit = LARGEST_TRAJECTORY >> 20
        return b"", f"its messages are left out: {size >> 20} MiB, more than {limit}"
    return path.read_bytes(), ""

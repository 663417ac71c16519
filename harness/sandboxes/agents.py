"""Let an agent work on a task in a sandbox: any command, in the start state's tree.

Nothing that the agent leaves is trusted: its git folder is thrown away, and the patch is made here
from the bytes of the files.
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
from harness.sandboxes.bubblewrap import Cage
from harness.sandboxes.control_groups import ControlGroup, make_group
from harness.sandboxes.interpreters import find_interpreter
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.local_sandbox import FIXED, MAPPED_USER, outside_system
from harness.sandboxes.process import make_limiter
from harness.sandboxes.process_tree import kill_tree
from harness.sandboxes.start_state import make_repository
from harness.sandboxes.workplaces import accounts, release
from storage.errors import SandboxError
from storage.folder_files import EXECUTABLE, LINK
from storage.git import git
from storage.records import Environment
from syntax.patches import unified_diff

DESK = Path("/run/bugfoundry")
"""Where the agent finds the statement, and may leave its messages."""
STATEMENT = "statement.md"
TRAJECTORY = "trajectory.json"
OUTPUT_LIMIT = 100_000
LARGEST = 2 << 20
"""Bytes of a file that an agent may leave; a larger one is no part of a fix."""
NOISE = "__pycache__/\n*.py[cod]\n.pytest_cache/\n.mypy_cache/\n.ruff_cache/\n.coverage*\n"
NO_CAGE = "agents run in bubblewrap alone; install it (Debian: apt install bubblewrap)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the agent finds: the files of the start state, and what they are over."""

    contents: Mapping[str, bytes]
    modes: Mapping[str, str]
    gone: Sequence[str] = ()
    """Files of the environment's tree that the start state lacks."""
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


async def run_agent(
    backend: LocalBackend, environment: Environment, start: Start, agent: Agent
) -> Work:
    """Run an agent on a start state. Raises SandboxError where no sandbox can be had."""
    if backend.isolation != "bubblewrap":
        raise SandboxError(NO_CAGE)
    home, place, user = await asyncio.to_thread(backend.claim_place, environment)
    try:
        await asyncio.to_thread(lay_start_state, home, place, start, user)
        code = await run_caged(home, place, user, environment, agent)
        patch = await asyncio.to_thread(patch_of, place, start)
        return Work(
            patch=patch,
            exit=code,
            output=end_of(place / "output"),
            trajectory=bytes_of(place / "desk" / TRAJECTORY),
        )
    finally:
        await asyncio.to_thread(release, place)


def lay_start_state(home: Path, place: Path, start: Start, user: int | None) -> None:
    """Lay the start state over what the build left, as a repository of one commit."""
    tree, desk = place / "tree", place / "desk"
    shutil.copytree(home / "tree", tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    for path in (*start.gone, *start.contents):
        (tree / path).unlink(missing_ok=True)
    for path, data in start.contents.items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if start.modes[path] == LINK:
            target.symlink_to(os.fsdecode(data))
            continue
        target.write_bytes(data)
        target.chmod(0o755 if start.modes[path] == EXECUTABLE else 0o644)
    make_repository(tree, sorted(start.contents))
    shutil.copyfile(tree / ".git" / "info" / "exclude", place / "exclude")
    desk.mkdir()
    (desk / STATEMENT).write_text(start.statement, encoding="utf-8")
    if user is not None:
        for folder in (tree, desk):
            hand_over(folder, user)
    place.chmod(0o755)


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


def patch_of(place: Path, start: Start) -> str:
    """Return what was changed, as a patch on the start state; what is ignored is no part of it."""
    tree = place / "tree"
    after = {
        path: read_entry(tree, path)
        for path in sorted({*start.contents, *find_added_files(place, start)})
    }
    parts = []
    for path, found in after.items():
        mode, data = found or ("", None)
        before = start.contents.get(path)
        if data == before:
            continue
        known = start.modes.get(path) or mode or "100644"
        parts.append(unified_diff(path, before, data, mode=known))
    return "".join(parts)


def find_added_files(place: Path, start: Start) -> list[str]:
    """Return the paths of files that came and are not ignored, by a git that is ours."""
    tree, own = place / "tree", place / "git"
    shutil.rmtree(tree / ".git", ignore_errors=True)
    git("init", "--quiet", "--bare", "--template=", own)
    (own / "info").mkdir(exist_ok=True)
    (own / "info" / "exclude").write_bytes((place / "exclude").read_bytes() + NOISE.encode())
    listed = git(
        *(f"--git-dir={own}", f"--work-tree={tree}"),
        *("ls-files", "--others", "--exclude-standard", "-z"),
        cwd=tree,
    )
    found = [os.fsdecode(path) for path in listed.split(b"\0") if path]
    return [path for path in found if path not in start.contents and not path.endswith("/")]


def read_entry(tree: Path, path: str) -> tuple[str, bytes] | None:
    """Return mode and content of a file or link that lies in the tree; None for anything else."""
    place = tree / path
    folder = place.parent
    if not folder.resolve().is_relative_to(tree.resolve()):
        return None
    if place.is_symlink():
        return LINK, os.fsencode(place.readlink())
    if not place.is_file() or place.stat().st_size > LARGEST:
        return None
    executable = place.stat().st_mode & 0o100
    return (EXECUTABLE if executable else "100644"), place.read_bytes()


def end_of(path: Path) -> str:
    """Return the end of what was printed."""
    return path.read_bytes()[-OUTPUT_LIMIT:].decode("utf-8", "replace")


def bytes_of(path: Path) -> bytes:
    """Return a file that the agent wrote, where it is one and not too large."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 64 * LARGEST:
        return b""
    return path.read_bytes()

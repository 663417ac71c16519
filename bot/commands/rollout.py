"""``bugfoundry rollout``: any agent on tasks, its work graded, its trajectories kept."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.evaluate import TasksOption, WorkersOption
from bot.commands.options import StoreOption, err, open_store, out, show_progress
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.errors import ConfigError, StoreError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.evaluation import Evaluation
    from forge.grade.lookup import StoredTask
    from forge.grade.rollouts import RolloutAttempt
    from forge.run.ledger import Ledger
    from harness.sandboxes.agents import Agent


def rollout_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TASK]...", help="Tasks; all where none is named."),
    ] = None,
    agent: Annotated[
        str,
        typer.Option(
            help="The command, for a shell in the work tree. The statement is in the file "
            "$BUGFOUNDRY_STATEMENT_FILE; messages may be left in $BUGFOUNDRY_TRAJECTORY_FILE."
        ),
    ] = "",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Trajectories, a line of JSON each.")
    ] = Path("trajectories.jsonl"),
    model: Annotated[str, typer.Option(help="Name under which attempts are kept.")] = "agent",
    attempts: Annotated[int, typer.Option(min=1, help="Attempts on each task.")] = 1,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one attempt.")] = 1800.0,
    network: Annotated[
        bool, typer.Option("--network", help="Let the agent reach the network.")
    ] = False,
    mounts: Annotated[
        list[Path] | None,
        typer.Option("--mount", help="A folder of this machine that the agent may read."),
    ] = None,
    passed: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="NAME[=VALUE]", help="A variable that the agent sees."),
    ] = None,
    tasks: TasksOption = None,
    workers: WorkersOption = 1,
    store: StoreOption = None,
) -> None:
    """Run an agent on tasks in sandboxes, grade what it leaves, and keep trajectories.

    The agent works in the start state's tree, without network unless it is let, as a user without
    rights. A run that was stopped goes on where it was.

    Example: bugfoundry rollout --agent ./agent.sh --mount $PWD --tasks tasks.jsonl
    """
    from forge.compose import PARTS
    from forge.grade.evaluation import Evaluation
    from forge.grade.rollouts import RolloutAttempt
    from forge.run.ledger import Ledger
    from harness.sandboxes.agents import Agent

    if not agent.strip():
        raise ConfigError("name the agent's command with --agent")
    what = Agent(
        command=agent,
        timeout=timeout,
        network=network,
        env=dict(variable(each) for each in passed or []),
        mounts=tuple(resolve_mount(each) for each in mounts or []),
    )
    chosen = chosen_tasks(names or [], tasks, store)
    ledger = Ledger(output)
    due = [
        RolloutAttempt(found=found, number=number, model=model)
        for found in chosen
        for number in range(1, attempts + 1)
    ]
    left = [each for each in due if each.key not in ledger]
    if len(left) < len(due):
        err.print(
            f"{format_count(len(due) - len(left), 'attempt')} known from before", highlight=False
        )
    evaluation = Evaluation(
        make_backend=PARTS.make_backend, cache=cache_dir(), workers=workers or 1
    )
    run_interruptible(lambda: gather(evaluation, what, left, ledger))
    solved = [found for each in due if (found := ledger.get(each.key)) and found["resolved"]]
    out.print(f"{len(solved)} of {len(due)} attempts solved their task", highlight=False)


def chosen_tasks(names: Sequence[str], tasks: Path | None, store: Path | None) -> list[StoredTask]:
    """Return the tasks that are named, of an export or of the store; all where none is."""
    from forge.grade.carried_tasks import load_export
    from forge.grade.lookup import find_task
    from storage.trees import Trees

    if tasks is not None:
        held = load_export(tasks, Trees(cache_dir()))
        lacking = [name for name in names if name not in held]
        if lacking:
            raise StoreError(f"{tasks} holds no task {lacking[0]}")
        found = [held[name] for name in names or sorted(held)]
        return [forget_environment(each) for each in found]
    with open_store(store) as opened:
        wanted = names or [task.id for task in opened.tasks()]
        if not wanted:
            raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
        return [find_task(opened, name) for name in wanted]


def forget_environment(found: StoredTask) -> StoredTask:
    """Forget where an environment is on the machine that exported it."""
    return replace(found, environment=replace(found.environment, handle=""))


def variable(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``; the value of a bare name is this process's own."""
    name, given, value = text.partition("=")
    if not name or (not given and name not in os.environ):
        raise ConfigError(f"--env {text}: there is no such variable; give NAME=VALUE")
    return name, value if given else os.environ[name]


def resolve_mount(path: Path) -> Path:
    """Return a folder's whole path. Raises ConfigError where there is none."""
    if not path.exists():
        raise ConfigError(f"--mount {path}: there is no such folder")
    if path.stat().st_mode & 0o005 != 0o005 and path.is_dir():
        raise ConfigError(f"--mount {path}: agents run as another user; chmod o+rx lets them in")
    return path.absolute()


async def gather(
    evaluation: Evaluation, agent: Agent, attempts: Sequence[RolloutAttempt], ledger: Ledger
) -> None:
    """Run attempts; keep each at once, and say how it went."""
    from forge.grade.rollouts import rollouts

    done = 0
    stage = f"running {format_count(len(attempts), 'attempt')}"
    with show_progress(stage, is_live=False) as reporter:
        async for attempt, row in rollouts(evaluation, agent, attempts):
            if row["error"] not in ("environment-failed", "sandbox-broken"):
                ledger.add(attempt.key, row)
            out.print(describe_attempt(row), highlight=False, markup=False, soft_wrap=True)
            done += 1
            reporter.count(done, len(attempts), "running attempts")


def describe_attempt(row: Mapping[str, Any]) -> str:
    """How an attempt went, in a line."""
    word = "solved" if row["resolved"] else "not solved"
    why = f" ({row['error']}: {row['detail']})" if row["error"] else ""
    end = "its time ran out" if row["exit"] is None else f"exit code {row['exit']}"
    if not row["patch"]:
        end += ", nothing changed"
    return f"{row['traj_id']}: {word}{why}; {end}, {row['seconds']:.1f} s"


def export_trajectories(place: Path, output: Path, *, resolved: bool) -> int:
    """Write the trajectories of a rollout as the field has them; return how many."""
    from forge.grade.rollouts import export_row
    from forge.run.ledger import Ledger, write_whole
    from forge.run.texts import escape_surrogates

    if not place.is_file():
        raise ConfigError(f"{place}: no such file; `bugfoundry rollout -o` writes it")
    rows = sorted(Ledger(place).values(), key=lambda row: str(row["traj_id"]))
    kept = [escape_surrogates(export_row(row)) for row in rows if row["resolved"] or not resolved]
    write_whole(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
    return len(kept)

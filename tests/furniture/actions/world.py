"""The executor behind the GitHub of the tests: what is dispatched there is run here."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from storage.git import git
from tests.furniture.actions.runs import Dispatch, Run, RunResult
from tests.furniture.github_world.actions import Run as WorldRun
from tests.furniture.github_world.world import World

Change = Callable[[int, dict[str, bytes]], dict[str, bytes]]


def carry_out(
    world: World,
    *,
    tool: Path,
    tool_name: str,
    root: Path,
    env: Mapping[str, str],
    change: Change = lambda number, archives: archives,
    begun: Callable[[int, Run], None] = lambda number, run: None,
) -> Callable[[WorldRun], Awaitable[None]]:
    """Return what runs the workflows that are dispatched in a world.

    ``change`` is given the number of a run, from 1, and its artifacts, before GitHub has them;
    ``begun`` is given each run that is started.
    """
    numbers = itertools.count(1)

    async def executor(run: WorldRun) -> None:
        number = next(numbers)
        world.begin_run(run)
        assert run.repository.git is not None
        caller = root / f"caller-{number}"
        await asyncio.to_thread(git, "clone", "--quiet", run.repository.git, caller)
        executing = Run(
            Dispatch(
                tool=tool,
                tool_name=tool_name,
                caller=caller,
                workflow=run.workflow.file,
                inputs=run.inputs,
                code=f"{world.url}/{run.repository.full_name}.git",
                sha=run.sha,
                repository=run.repository.full_name,
                root=root / str(number),
                actions=root / "actions",
                env=env,
                api_url=world.api,
                token=world.job_token(run),
            ),
            run_id=run.id,
            attempt=run.attempt,
        )
        begun(number, executing)
        watching = asyncio.ensure_future(cancelled(run, executing))
        try:
            result = await asyncio.to_thread(executing.execute)
        finally:
            watching.cancel()
        tell(world, run, result, change(number, dict(result.artifacts.archives)))

    return executor


async def cancelled(run: WorldRun, executing: Run) -> None:
    """Cancel what is executed when somebody cancels the run."""
    await run.cancel.wait()
    executing.cancel()


def tell(world: World, run: WorldRun, result: RunResult, archives: Mapping[str, bytes]) -> None:
    """Have GitHub know what came of a run."""
    for name, conclusion in result.jobs.items():
        job = world.begin_job(run, name)
        world.clock.now += result.seconds.get(name, 0.0)
        world.end_job(job, conclusion)
    for name, data in archives.items():
        world.upload_artifact(run, name, data)
    world.end_run(run, result.conclusion)

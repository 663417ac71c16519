"""``bugfoundry batch run-shard``: one machine's part of a batch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.batch_options import FolderArgument, PlanOption
from bot.commands.options import (
    JsonOption,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.remote.batch import PLAN
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from forge.run.setting_fields import SettingSubset
from forge.run.settings import EnvironmentSettings
from storage.errors import BatchError, SandboxError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.remote.batch.shards import ShardSummary
    from forge.run.progress import Reporter
    from harness.sandboxes.sandbox import Backend

PLAIN = (
    "a job does not run code of others as a plain process: install bubblewrap, or use --sandbox "
    "docker"
)


@takes_records
def run_shard_command(
    folder: FolderArgument,
    number: Annotated[int, typer.Argument(min=0, help="Which shard.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to add verdicts to.")],
    plan: PlanOption = PLAN,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End in good order after so long.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Sandboxes side by side. [default: as planned]")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The code, where the environment has to be built here.")
    ] = None,
    *,
    environment: Annotated[EnvironmentSettings, SettingSubset("sandbox", "base_image")],
    github: Annotated[bool, typer.Option("--github", help="Tell a workflow: ended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge one shard, as this machine judges all bugs.

    Each verdict is added to the file as soon as it is known, and is on the disk then. Stop it at
    any time: the same command goes on where it was. A bug under which it died twice, the second
    time with no other beside it, is set aside.

    Example: bugfoundry batch run-shard batch 0 -o verdicts/shard-0.jsonl
    """
    from bot.commands.steps import write_outputs
    from forge.compose import PARTS
    from forge.remote.batch.plans import read_batch
    from forge.remote.batch.provision import obtain
    from forge.remote.batch.shards import run_shard
    from harness.sandboxes.sandbox import SandboxLimits

    batch = read_batch(folder, plan)
    kind = batch.packed.environment.sandbox
    if environment.sandbox not in ("auto", kind):
        raise BatchError(f"the batch is for the {kind} sandbox; leave --sandbox out")
    backend = PARTS.make_backend(kind, cache=cache_dir(), base_image=environment.base_image)
    refuse_plain(backend)

    async def work(reporter: Reporter) -> ShardSummary:
        reporter.stage(f"shard {number}: making its environment ready")
        environment = await obtain(batch.packed, backend, source=source, cache=cache_dir())
        reporter.stage(f"shard {number}: judging")
        return await run_shard(
            batch,
            number,
            output,
            make_engine=PARTS.make_engine,
            backend=backend,
            environment=environment,
            limits=SandboxLimits(),
            workers=workers or batch.planned.workers,
            seconds=None if minutes is None else minutes * 60,
            count=lambda done, total: reporter.count(done, total, f"shard {number}: judging"),
        )

    with show_progress(is_live=False) as reporter:
        judged = run_interruptible(lambda: work(reporter))
    if github:
        write_outputs({"ended": judged.ended})
    if as_json:
        print_json(judged)
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in judged.reasons)
    out.print(
        f"shard {number}: {judged.verdicts} of {format_count(judged.bugs, 'bug')} judged "
        f"({reasons or 'none'}), "
        f"{format_count(judged.tests, 'test')} run in {judged.seconds:.0f} s; {judged.ended}",
        highlight=False,
        soft_wrap=True,
    )


def refuse_plain(backend: Backend) -> None:
    """Refuse to run a repository's code without a cage in a job. Raises SandboxError."""
    from harness.sandboxes.local_backend import LocalBackend

    plain = isinstance(backend, LocalBackend) and backend.isolation == "process"
    if plain and os.environ.get("GITHUB_ACTIONS") == "true":
        raise SandboxError(PLAIN)

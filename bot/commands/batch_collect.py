"""``bugfoundry batch collect``: what the shards of a batch delivered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.batch_options import FolderArgument
from bot.commands.options import (
    JsonOption,
    StoreOption,
    open_store,
    out,
    print_json,
    show_progress,
)
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.pulls.mirror import PullRequestMirror
    from forge.remote.batch.collection import Collected, ShardState
    from forge.remote.batch.ingestion import Ingested
    from forge.remote.batch.partition import Planned
    from forge.remote.batch.plans import Batch
    from storage.store import Store


def collect_command(
    folder: FolderArgument,
    artifacts: Annotated[
        Path, typer.Option(help="Folder with what the shards left: files, folders or archives.")
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Write the plan of another wave for what is missing.")
    ] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, missing.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            help="The code, with its history: for an export here, and to make tasks of mirrored "
            "bugs, whose words are those of issues."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep verdicts and tasks in the store.")
    ] = True,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put together what the shards of all waves delivered, and say what is missing.

    None of it is trusted. Exit code 1 when verdicts are missing and no plan for them was asked for.

    Example: bugfoundry batch collect batch --artifacts verdicts
    """
    from bot.commands.steps import write_outputs
    from forge.remote.batch.artifacts import read_folder
    from forge.remote.batch.collection import Collecting
    from forge.remote.batch.ingestion import ingest
    from forge.remote.batch.outputs import outputs
    from forge.remote.batch.plans import expectations, plan_name, read_batch, read_waves, write_plan
    from forge.remote.batch.waves import next_wave

    batch = read_batch(folder)
    waves = read_waves(folder)
    collecting = Collecting(batch, waves)
    for artifact in read_folder(artifacts):
        collecting.take(artifact)
    collected = collecting.collect_verdicts()
    ingested = None
    if keep:
        with open_store(store) as opened:
            mirror = None if source is None else mirror_in(batch, source, opened)
            ingested = ingest(batch, collected, opened, mirror)
    following = next_wave(batch, waves, collected, expectations(batch)) if again else None
    if following is not None:
        write_plan(folder / plan_name(len(waves) + 1), following)
    if github:
        write_outputs({**outputs(following), "missing": str(len(collected.missing))})
    if as_json:
        print_json(as_document(collected, ingested, following))
    else:
        print_collected(collected, ingested, following)
    if collected.missing and not again:
        raise typer.Exit(1)


def mirror_in(batch: Batch, source: str, store: Store) -> PullRequestMirror | None:
    """Return what makes tasks of mirrored bugs, with the code in the cache."""
    from forge.remote.batch.ingestion import MIRROR, mirror_of
    from forge.run.settings import ProposalSettings, Settings

    settings = Settings(
        source=source,
        cache=cache_dir(),
        github_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        github_token=os.environ.get("GITHUB_TOKEN", ""),
        proposals=ProposalSettings(strategies=(MIRROR, "procedural")),
    )
    with show_progress() as reporter:
        return run_interruptible(lambda: mirror_of(batch, settings, store=store, reporter=reporter))


def print_collected(
    collected: Collected, ingested: Ingested | None, following: Planned | None
) -> None:
    """Say what came, what did not, and what was not believed."""
    table = Table(box=None, header_style="bold")
    for name in ("wave", "shard", "bugs", "missing", "state", "expected", "seconds", "tests"):
        table.add_column(name, justify="left" if name == "state" else "right")
    for each in collected.shards:
        add_row(table, each)
    out.print(table)
    for fault in collected.faults:
        out.print(f"not believed: {fault}", markup=False, highlight=False, soft_wrap=True)
    for text in collected.disagreed:
        out.print(f"selecting tests went wrong: {text}", markup=False, highlight=False)
    repeated = f", {collected.repeated} delivered again" if collected.repeated else ""
    verdicts = format_count(len(collected.found), "verdict")
    out.print(
        f"{verdicts}, {len(collected.missing)} missing{repeated}",
        highlight=False,
    )
    if ingested is not None:
        also = f", {ingested.for_forge} mirrored for `forge`" if ingested.for_forge else ""
        out.print(
            f"{format_count(ingested.verdicts, 'verdict')} new to the store, "
            f"{ingested.known} known; "
            f"{format_count(len(ingested.tasks), 'task')}{also}",
            highlight=False,
            soft_wrap=True,
        )
    if following is not None:
        out.print(
            f"planned again: {format_count(len(following.shards), 'shard')}, "
            f"{format_count(following.minutes, 'runner minute')}",
            highlight=False,
        )


def add_row(table: Table, state: ShardState) -> None:
    """Add what came of one shard."""
    table.add_row(
        str(state.wave),
        str(state.shard),
        str(state.bugs),
        str(len(state.missing)),
        state.state,
        f"{state.expected:.1f}",
        f"{state.seconds:.1f}",
        str(state.tests),
    )


def as_document(
    collected: Collected, ingested: Ingested | None, following: Planned | None
) -> dict[str, object]:
    """Return the same for programs; verdicts are in the store."""
    reasons: dict[str, int] = {}
    for found in collected.found.values():
        reasons[found.verdict.reason] = reasons.get(found.verdict.reason, 0) + 1
    return {
        "verdicts": len(collected.found),
        "reasons": reasons,
        "missing": len(collected.missing),
        "repeated": collected.repeated,
        "faults": collected.faults,
        "disagreed": collected.disagreed,
        "deaths": collected.deaths,
        "shards": [json_of(each) for each in collected.shards],
        "ingested": None if ingested is None else json_of(ingested),
        "again": 0 if following is None else len(following.shards),
    }


def json_of(value: object) -> object:
    """Return a record as plain values."""
    import msgspec

    return msgspec.to_builtins(value)

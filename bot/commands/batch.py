"""``bugfoundry batch``: bugs judged by other machines, each step by a command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from bot.commands import batch_collect, batch_shard
from bot.commands.batch_options import FolderArgument, PlanOption
from bot.commands.options import (
    JsonOption,
    StoreOption,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.remote.batch import PLAN
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from forge.run.setting_fields import SettingSubset, pick
from forge.run.settings import EnvironmentSettings, ProposalSettings, Settings, ValidationSettings
from storage.errors import ConfigError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.remote.batch.partition import Planned

app = typer.Typer(
    help="Have bugs judged by other machines: plan shards, run one, collect verdicts.",
    no_args_is_help=True,
)
ProposedPart = Annotated[
    ProposalSettings,
    SettingSubset(
        pick("max_bugs", help="How many bugs to propose."),
        "seed",
        pick(
            "strategies", help="As for `bugfoundry forge`; combine needs verdicts, and cannot be."
        ),
        pick("operator", help="Use only this operator (repeatable)."),
        "like_human",
        "human_profile",
    ),
]
IMAGE = "--image {image!r}: name an image by its digest, as `bugfoundry env push` prints it"


@app.command("plan")
@takes_records
def plan_command(
    source: Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    *,
    proposals: ProposedPart,
    only_stored: Annotated[
        bool,
        typer.Option("--stored", help="Propose nothing: take what the store has without verdict."),
    ] = False,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long a shard should take.")] = 10.0,
    shards: Annotated[
        int | None, typer.Option(min=1, max=256, help="How many; by --minutes if not said.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Sandboxes that judge side by side in a shard.")
    ] = 4,
    image: Annotated[
        str,
        typer.Option(
            help="The environment's image in a registry, by digest; built where not said."
        ),
    ] = "",
    environment: Annotated[EnvironmentSettings, SettingSubset("sandbox", "base_image")],
    validation: Annotated[
        ValidationSettings, SettingSubset(pick("full", help="Judge by the whole suite."))
    ],
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, minutes.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose bugs, and spread them over shards that are expected to take equally long.

    Writes the bugs and their environment, each as one file that is named by its content, and
    plan.json. Says beforehand how many runner minutes it expects.

    Example: bugfoundry batch plan pypi:itsdangerous --max-bugs 200 --shards 4 -o batch
    """
    from bot.commands.steps import write_outputs
    from forge.compose import propose_batch
    from forge.remote.batch.candidates import load_unjudged
    from forge.remote.batch.outputs import outputs
    from forge.remote.batch.plans import make_batch, write_batch
    from harness.judge.judge import HARNESS_VERSION

    settings = Settings(
        source=source,
        cache=cache_dir(),
        proposals=proposals,
        environment=environment,
        validation=validation,
        profile=proposals.likeness.profile,
        github_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        github_token=os.environ.get("GITHUB_TOKEN", ""),
    )
    with open_store(store) as opened, show_progress() as reporter:
        packed, bugs = (
            load_unjudged(settings, image=image, store=opened)
            if only_stored
            else run_interruptible(
                lambda: propose_batch(settings, image=image, store=opened, reporter=reporter)
            )
        )
        judged = len(opened.list_judged_bugs(packed.environment.id, HARNESS_VERSION, packed.mode))
    batch = make_batch(packed, bugs, aim=minutes, workers=workers, judged=judged, shards=shards)
    write_batch(folder, batch)
    planned = batch.planned
    if github:
        write_outputs({**outputs(planned), "image": packed.image})
    if as_json:
        print_json(planned)
    else:
        print_plan(planned, folder)


@app.command("limit")
def limit_command(
    minutes: Annotated[float, typer.Argument(help="Runner minutes; below 0 for no limit.")],
    month: Annotated[
        bool, typer.Option("--month", help="For every month, all repositories together.")
    ] = False,
    repository: Annotated[
        str, typer.Option(help="For this one, as owner/name; for each, if not said.")
    ] = "",
    store: StoreOption = None,
) -> None:
    """Limit the runner minutes of each repository, of one, or of every month.

    Nothing is sent that is expected to pass a limit. `bugfoundry stats` shows what was used.

    Example: bugfoundry batch limit --month -- 2000
    """
    from storage.records import MinuteLimit

    if month and repository:
        raise ConfigError("--month is for all repositories together; leave out --repository")
    scope: Literal["month", "repository"] = "month" if month else "repository"
    with open_store(store) as opened:
        opened.dispatches.set_limit(MinuteLimit(scope=scope, of=repository, minutes=minutes))


@app.command("show")
def show_command(
    folder: FolderArgument,
    plan: PlanOption = PLAN,
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, minutes, image.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a batch, and say what its plan comes to."""
    from bot.commands.steps import write_outputs
    from forge.remote.batch.outputs import outputs
    from forge.remote.batch.plans import read_batch

    batch = read_batch(folder, plan)
    if github:
        write_outputs({**outputs(batch.planned), "image": batch.packed.image})
    if as_json:
        print_json(batch.planned)
    else:
        print_plan(batch.planned, folder)


def print_plan(planned: Planned, folder: Path) -> None:
    """Say what a plan comes to."""
    bugs = sum(len(shard.bugs) for shard in planned.shards)
    table = Table(box=None, header_style="bold")
    for name in ("shard", "bugs", "tests", "expected seconds"):
        table.add_column(name, justify="right")
    for shard in planned.shards:
        table.add_row(
            str(shard.number), str(len(shard.bugs)), str(shard.tests), f"{shard.seconds:.1f}"
        )
    out.print(table)
    left = f", {len(planned.left)} left for later" if planned.left else ""
    out.print(
        f"{format_count(bugs, 'bug')} in {format_count(len(planned.shards), 'shard')} of "
        f"{format_count(planned.workers, 'worker')}{left}; the "
        f"slowest takes {planned.imbalance:.2f} times the mean; expected to be paid: "
        f"{planned.minutes} runner minutes",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"run one:  bugfoundry batch run-shard {folder} 0 -o verdicts/shard-0.jsonl")


app.command("run-shard")(batch_shard.run_shard_command)
app.command("collect")(batch_collect.collect_command)

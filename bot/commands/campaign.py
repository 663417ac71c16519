"""``bugfoundry campaign``: many repositories, unattended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.options import JsonOption, StoreOption, err, open_store, out, print_json
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.errors import ConfigError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.remote.campaign.config import Campaign
    from forge.remote.campaign.projection import Projection
    from forge.remote.campaign.report import CampaignLine, CampaignReport
    from storage.store import Store


def campaign_command(
    file: Annotated[Path, typer.Argument(help="TOML or YAML; docs/scale.md shows one.")],
    report_only: Annotated[
        bool, typer.Option("--report", help="Say how far it is, and do nothing else.")
    ] = False,
    project_to: Annotated[
        str,
        typer.Option(
            "--project",
            help="REPOSITORIES:TASKS: say what so many would take at the rates of what is done, "
            "as 128:50000, and do nothing else.",
        ),
    ] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forge many repositories under one budget.

    Each is forged by a process of its own: one that fails stops no other, and is tried again by
    the next run of the same command. Stop it at any time: the same command goes on where it was.
    Exit code 1 when a repository failed.
    """
    from forge.remote.campaign.config import read_campaign
    from forge.remote.campaign.projection import project
    from forge.remote.campaign.report import measure_rates, report
    from forge.remote.campaign.schedule import FAILED

    campaign = read_campaign(file)
    with open_store(store) as opened:
        idle = report_only or project_to
        ended = "" if idle else run_interruptible(lambda: run_campaign(campaign, opened))
        found = report(campaign, opened, ended=ended, cache=cache_dir())
        rates = measure_rates(campaign, opened, found)
    if project_to:
        repositories, tasks = parse_projection(project_to)
        projected = project(rates, tasks=tasks, repositories=repositories)
        if as_json:
            print_json(projected)
        else:
            print_projection(projected)
        return
    if as_json:
        print_json(found)
    else:
        print_campaign(found)
    if any(line.state == FAILED for line in found.lines):
        raise typer.Exit(1)


def parse_projection(text: str) -> tuple[int, int]:
    """Read how many repositories and tasks are wanted. Raises ConfigError."""
    repositories, _, tasks = text.partition(":")
    if not (repositories.isdecimal() and tasks.isdecimal() and int(repositories) and int(tasks)):
        raise ConfigError(f"--project {text!r}: write REPOSITORIES:TASKS, as 128:50000")
    return int(repositories), int(tasks)


def print_projection(found: Projection) -> None:
    """Print what a campaign would take."""
    out.print(
        f"{format_count(found.tasks, 'task')} of "
        f"{format_count(found.repositories, 'repository', 'repositories')}: "
        f"{format_count(found.verdicts, 'bug')} judged, "
        f"{found.machine_hours:.0f} hours of this machine, or {found.runner_minutes:.0f} runner "
        f"minutes; ${found.dollars:.2f} for models; {found.gigabytes:.0f} GB",
        highlight=False,
        soft_wrap=True,
    )


async def run_campaign(campaign: Campaign, store: Store) -> str:
    """Run it, saying what happens as it does; return why it ended early."""
    from bot.commands.campaign_process import forge_in_process
    from forge.remote.campaign.execution import CampaignRun

    def say(text: str) -> None:
        err.print(text, markup=False, highlight=False, soft_wrap=True)

    forge_one = forge_in_process(campaign, store=store.path, cache=cache_dir())
    running = CampaignRun(campaign, store=store, cache=cache_dir(), forge_one=forge_one, say=say)
    return await running.run()


def print_campaign(found: CampaignReport) -> None:
    """Print what came of it, as Markdown has it."""
    from forge.remote.campaign.schedule import DONE

    table = Table(box=None, header_style="bold")
    table.add_column("repository", overflow="fold")
    table.add_column("state")
    for heading in ("tasks", "verdicts", "hours", "attempts", "dollars", "runner min"):
        table.add_column(heading, justify="right")
    for line in found.lines:
        add_row(table, line)
    table.add_section()
    add_row(table, found.total)
    wide = out if out.is_terminal else Console(width=max(out.width, 140))
    wide.print(table)
    for line in found.lines:
        if line.failure:
            out.print(f"{line.source}: {line.failure}", markup=False, highlight=False)
    done = sum(line.state == DONE for line in found.lines)
    out.print(
        f"{done} of {format_count(len(found.lines), 'repository', 'repositories')} done, "
        f"{format_count(found.total.tasks, 'task')}; the cache holds {found.gigabytes:.1f} GB",
        highlight=False,
    )
    if found.ended:
        out.print(f"ended early: {found.ended}; the same command goes on", highlight=False)


def add_row(table: Table, line: CampaignLine) -> None:
    """Add one repository, or all of them."""
    table.add_row(
        line.source,
        line.state,
        str(line.tasks),
        str(line.verdicts),
        f"{line.hours:.2f}",
        str(line.attempts),
        f"{line.dollars:.2f}",
        f"{line.runner_minutes:.0f}",
    )

"""``bugfoundry forge``: the main job."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.options import (
    JsonOption,
    StoreOption,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.nouns import choose_form, format_count
from forge.run.settings import (
    EngineSettings,
    EnvironmentSettings,
    ModelSettings,
    ProposalSettings,
    Settings,
    ValidationSettings,
)
from storage.paths import cache_dir, default_store

if TYPE_CHECKING:
    from forge.run.summary import OperatorRow, Summary
    from storage.store import Store


@takes_records
def forge_command(
    source: Annotated[
        str,
        typer.Argument(
            help="pypi:NAME[==VERSION], a folder or git checkout, a git URL, or owner/name on "
            "GitHub; git sources take @REV and #subdirectory=FOLDER."
        ),
    ],
    proposals: ProposalSettings,
    environment: EnvironmentSettings,
    validation: ValidationSettings,
    model: ModelSettings,
    engine: EngineSettings,
    estimate_only: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Say what the calls to the model would cost, and do nothing else."
        ),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make verified bugs from a repository.

    Fetches the source, builds its environment, runs its tests, proposes bugs and judges each by
    running the tests. A bug counts only when tests that passed now fail. Stop it at any time:
    the same command goes on where it was.

    Example: bugfoundry forge pypi:itsdangerous --max-bugs 50
    """
    from mirror.github import PUBLIC

    settings = Settings(
        source=source,
        cache=cache_dir(),
        proposals=proposals,
        environment=environment,
        validation=validation,
        model=model,
        engine=engine,
        profile=proposals.likeness.profile,
        github_url=os.environ.get("GITHUB_API_URL") or PUBLIC,
        github_token=os.environ.get("GITHUB_TOKEN", ""),
    )
    if estimate_only:
        print_estimate(settings, store, as_json=as_json)
        return
    with open_store(store) as opened:
        summary = run_interruptible(lambda: forge_with_progress(settings, opened))
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, store)


def print_estimate(settings: Settings, store: Path | None, *, as_json: bool) -> None:
    """Print what a run would cost."""
    from forge.compose import make_model
    from forge.study.estimates import describe_estimate, estimate

    with open_store(store) as opened, show_progress() as reporter:
        found = run_interruptible(
            lambda: estimate(settings, make_model=make_model, store=opened, reporter=reporter)
        )
    if as_json:
        print_json(found)
        return
    for line in describe_estimate(found):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


async def forge_with_progress(settings: Settings, store: Store) -> Summary:
    """Run the pipeline, and show how far it is."""
    from forge.compose import forge, forge_far

    work = forge if settings.engine.engine == "local" else forge_far
    with show_progress() as reporter:
        return await work(settings, store=store, reporter=reporter)


SCREENED = {
    "swap": "by new code in a collected session",
    "fork": "by importing anew in a fork",
    "fresh": "in a fresh process",
    "all": "by every test",
    "none": "that no test can notice",
}
"""Paths of docs/selection.md, in words."""


def print_summary(summary: Summary, store: Path | None) -> None:
    """Print the final table and what to do next."""
    from forge.run.left_out import describe_left_out

    table = Table(title=None, box=None, header_style="bold")
    table.add_column("operator")
    for heading in ("proposed", "judged", "valid", "yield", "worker seconds"):
        table.add_column(heading, justify="right")
    for row in summary.rows:
        add_row(table, row)
    table.add_section()
    add_row(table, summary.total)
    out.print(
        f"[bold]{summary.repository}[/bold]  Python {summary.python}, {summary.sandbox} sandbox, "
        f"{summary.tests_green} of {summary.tests} tests serve",
        highlight=False,
    )
    out.print(table)
    reasons = ", ".join(f"{count} {reason}" for reason, count in summary.reasons)
    out.print(f"verdicts: {reasons or 'none'}", highlight=False)
    screened = ", ".join(f"{count} {SCREENED.get(path, path)}" for path, count in summary.screened)
    out.print(f"screened: {screened or 'none'}", highlight=False, soft_wrap=True)
    if summary.reused:
        known = format_count(summary.reused, "verdict")
        out.print(f"{known} known from an earlier run", highlight=False)
    if summary.spilled:
        turn = choose_form(summary.spilled, "turns", "turn")
        bugs = format_count(summary.spilled, "valid bug")
        text = f"{bugs} {turn} more tests red in company than alone: the gate mostly-spilled"
        out.print(text, highlight=False, soft_wrap=True)
    for each in summary.left_out:
        out.print(describe_left_out(each), highlight=False, markup=False, soft_wrap=True)
    print_next(summary, store)


def add_row(table: Table, row: OperatorRow) -> None:
    """Add one operator's counts."""
    table.add_row(
        row.operator,
        str(row.proposed),
        str(row.judged),
        str(row.valid),
        f"{row.share:.0%}",
        f"{row.worker_seconds:.1f}",
    )


def print_next(summary: Summary, store: Path | None) -> None:
    """Say what came out and how to see and export it."""
    path = store or default_store()
    flag = f" --store {shlex.quote(str(store))}" if store else ""
    out.print(
        f"[bold green]{format_count(len(summary.tasks), 'verified bug')}[/bold green] in {path} "
        f"after {summary.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    if summary.tasks:
        out.print(
            f"see one:  bugfoundry show{flag} {summary.tasks[0]}", highlight=False, soft_wrap=True
        )
        out.print(
            f"export:   bugfoundry export{flag} --format swe-smith -o tasks.jsonl",
            highlight=False,
            soft_wrap=True,
        )

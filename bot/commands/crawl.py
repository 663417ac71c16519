"""``bugfoundry crawl`` and ``pulls``: the fixes of people that could be undone."""

from __future__ import annotations

import os
from dataclasses import asdict
from enum import StrEnum
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
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from mirror.choice.limits import Limits
from mirror.github import PUBLIC
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.pulls.crawl import CrawlSettings, CrawlSummary
    from forge.pulls.outcomes import ListedPull
    from storage.store import Store

LIMITS = Limits()
SourceArgument = Annotated[
    str, typer.Argument(help="owner/name on GitHub, a git URL, or a git checkout; with @REV.")
]


class Way(StrEnum):
    """Where pull requests are read from."""

    auto = "auto"
    github = "github"
    history = "history"


def crawl_command(
    source: SourceArgument,
    way: Annotated[
        Way,
        typer.Option(
            "--from",
            help="github asks its API; history reads the clone, with no token and no network; "
            "auto is github where GITHUB_TOKEN is set and the source is on GitHub.",
        ),
    ] = Way.auto,
    github_url: Annotated[
        str,
        typer.Option(
            envvar="GITHUB_API_URL",
            help="REST API of the GitHub to ask; on Enterprise Server https://HOST/api/v3.",
        ),
    ] = PUBLIC,
    max_files: Annotated[
        int, typer.Option(min=1, help="Source files that a candidate may change.")
    ] = LIMITS.files,
    max_lines: Annotated[
        int, typer.Option(min=1, help="Lines of source that a candidate may add and remove.")
    ] = LIMITS.lines,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the pull requests that closed issues, and choose those worth mirroring.

    Asks only for what is new since the last crawl; stop it at any time, the same command goes on
    where it was. `bugfoundry pulls` lists what was found.

    Example: bugfoundry crawl pallets/click --from history
    """
    from forge.pulls.crawl import CrawlSettings

    settings = CrawlSettings(
        source=source,
        cache=cache_dir(),
        way=way.value,
        api_url=github_url,
        token=os.environ.get("GITHUB_TOKEN", ""),
        limits=Limits(files=max_files, lines=max_lines),
    )
    with open_store(store) as opened:
        summary = run_interruptible(lambda: crawl_with_progress(settings, opened))
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)


async def crawl_with_progress(settings: CrawlSettings, store: Store) -> CrawlSummary:
    """Crawl, and show how far it is."""
    from forge.pulls.crawl import crawl_repository

    with show_progress() as reporter:
        return await crawl_repository(settings, store=store, reporter=reporter)


def print_summary(summary: CrawlSummary) -> None:
    """Print what is known and what is left of it."""
    from mirror.choice.rules import REASONS

    asked = format_count(summary.requests, "request") if summary.requests else "no request"
    out.print(
        f"[bold]{summary.repository}[/bold] at {summary.head[:12]}, from {summary.way}: "
        f"{summary.new} read, {asked}, {summary.seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(str(summary.pulls), "merged pull requests, and other changes that close an issue")
    table.add_row(str(summary.closing), f"close an issue {shares(summary.evidence)}")
    table.add_row(
        f"[bold green]{summary.candidates}[/bold green]",
        f"candidates {shares(summary.candidates_by_evidence)}",
    )
    table.add_section()
    for reason, count in summary.left_out:
        table.add_row(str(count), f"{reason}: {REASONS[reason]}")
    out.print(table)


def shares(counts: tuple[tuple[str, int], ...]) -> str:
    """Counts by evidence in words."""
    return f"({', '.join(f'{count} by {name}' for name, count in counts)})" if counts else ""


def pulls_command(
    source: SourceArgument,
    reason: Annotated[
        str | None,
        typer.Option(help="Only those with this outcome: candidate, undone, or a named reason."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many, the newest. [default: all]")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the pull requests that were crawled, and what became of each.

    Newest first: number or commit, date, title; the issues with what says that they are closed;
    whether it is a candidate, why it was left out, or what came of undoing it.

    Example: bugfoundry pulls pallets/click --reason candidate --limit 20
    """
    from forge.pulls.outcomes import list_pulls

    with open_store(store) as opened:
        rows = list_pulls(source, store=opened, cache=cache_dir(), outcome=reason)
    shown = rows[:limit]
    if as_json:
        print_json([asdict(row) for row in shown])
        return
    for row in shown:
        print_pull(row)
    more = f"{len(shown)} of " if len(shown) < len(rows) else ""
    out.print(f"{more}{format_count(len(rows), 'pull request')}", highlight=False)


def print_pull(row: ListedPull) -> None:
    """Print one pull request in three lines."""
    name = f"#{row.number}" if row.number else row.commit[:10]
    issues = ", ".join(
        " ".join([f"{issue.name} ({issue.evidence})", *issue.marks]) for issue in row.issues
    )
    for line in (
        f"{name}  {row.merged[:10]}  {row.title}",
        f"    closes {issues}" if issues else "    closes nothing known",
        f"    {row.became}",
    ):
        out.print(line, markup=False, highlight=False, soft_wrap=True)

"""``bugfoundry stats``: what judging came to, and what it took."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json

if TYPE_CHECKING:
    from forge.study.stats import RepositoryStats, Stats


def stats_command(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show verdicts and tasks of each repository, and the runner minutes of each valid task."""
    from forge.study.stats import stats

    with open_store(store) as opened:
        found = stats(opened, datetime.now(UTC).isoformat()[:7])
    if as_json:
        print_json(found)
        return
    if not found.repositories:
        out.print("nothing was judged yet; `bugfoundry forge SOURCE` does", highlight=False)
        return
    show(found)


def show(found: Stats) -> None:
    """Print the tables."""
    table = Table(box=None, header_style="bold")
    table.add_column("repository")
    headings = ("verdicts", "valid", "tasks", "worker s", "runner min", "expected", "min/task")
    for heading in headings:
        table.add_column(heading, justify="right")
    for each in found.repositories:
        add_row(table, each)
    wide = out if out.is_terminal else Console(width=max(out.width, 120))
    wide.print(table)
    out.print(f"runner minutes in {found.month}: {found.month_minutes:.0f}", highlight=False)
    for limit in found.limits:
        of = limit.of or ("every month" if limit.scope == "month" else "each repository")
        used = f", {limit.used:.0f} used" if limit.used else ""
        out.print(f"limit of {of}: {limit.minutes:.0f} minutes{used}", highlight=False)


def add_row(table: Table, each: RepositoryStats) -> None:
    """Add one repository."""
    table.add_row(
        each.repository,
        str(each.verdicts),
        str(each.valid),
        str(each.tasks),
        f"{each.seconds:.0f}",
        f"{each.runner_minutes:.0f}",
        f"{each.expected_minutes:.0f}",
        "-" if each.minutes_per_task is None else f"{each.minutes_per_task:.2f}",
    )

"""``bugfoundry costs``: what language models cost, and what a valid task comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json
from forge.run.nouns import format_count

if TYPE_CHECKING:
    from forge.study.costs import Costs

HELD = (
    "${held:.4f} is set aside for {calls} not ended or cut off, and counts "
    "as spent. When nothing runs, `bugfoundry costs --release` sets it free."
)


def costs_command(
    release: Annotated[
        bool,
        typer.Option(
            "--release",
            help="Set free what is set aside for calls that were cut off. They may have been "
            "paid; use it when nothing runs.",
        ),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what language models cost: by purpose, strategy and repository, and per valid task."""
    from forge.study.costs import costs

    with open_store(store) as opened:
        if release:
            for hold in opened.calls.holds():
                opened.calls.release(hold.id)
        found = costs(opened, datetime.now(UTC).isoformat()[:7])
    if as_json:
        print_json(found)
        return
    if not found.calls:
        out.print("no model was asked", highlight=False)
    else:
        show(found)
    if found.held_calls:
        text = HELD.format(held=found.held, calls=format_count(found.held_calls, "call"))
        out.print(text, highlight=False, markup=False)


def show(found: Costs) -> None:
    """Print the tables."""
    calls = Table(box=None, header_style="bold")
    for column in ("purpose", "strategy", "repository", "model"):
        calls.add_column(column)
    for column in ("calls", "dollars", "input", "output", "cache write", "cache read", "s a call"):
        calls.add_column(column, justify="right")
    for line in found.lines:
        calls.add_row(
            line.purpose,
            line.strategy or "-",
            line.repository or "-",
            line.model,
            str(line.calls),
            f"{line.dollars:.4f}",
            str(line.input_tokens),
            str(line.output_tokens),
            str(line.cache_write_tokens),
            str(line.cache_read_tokens),
            f"{line.seconds / line.calls:.1f}",
        )
    out.print(calls)
    strategies = Table(box=None, header_style="bold")
    strategies.add_column("strategy")
    for column in ("calls", "dollars", "valid tasks", "dollars per task"):
        strategies.add_column(column, justify="right")
    for each in found.strategies:
        price = "-" if each.dollars_per_task is None else f"{each.dollars_per_task:.4f}"
        strategies.add_row(
            each.strategy, str(each.calls), f"{each.dollars:.4f}", str(each.tasks), price
        )
    out.print(strategies)
    out.print(
        f"${found.dollars:.4f} for {format_count(found.calls, 'call')}, "
        f"${found.month:.4f} this month",
        highlight=False,
    )

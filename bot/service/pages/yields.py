"""What all came to and what it cost, as plots with the numbers beneath."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from markupsafe import Markup

from bot.service.pages.board import BOARD, sight_of
from bot.service.pages.charts import Bar, bars
from bot.service.pages.display import count, money, percent
from bot.service.pages.renderer import render
from storage.store import Store
from storage.views.yields import CostSum, YieldLine, Yields, by_strategy

MOST_BARS = 30
"""Bars in one plot; the table beneath has every row."""
AXIS = "bugs"
COSTS = ("strategy", "month", "repository")


async def show_yields(request: web.Request) -> web.Response:
    """Show yield and cost."""
    sight = sight_of(request)

    def ask(store: Store) -> tuple[Yields, dict[str, list[CostSum]]]:
        views = store.views.yields
        return views.sums(sight), {by: views.costs(sight, by) for by in COSTS}

    sums, costs = await request.app[BOARD].ask(ask)
    strategies = by_strategy(sums.operators)
    return render(
        request,
        "yield.html",
        strategies=strategies,
        operators=sorted(sums.operators, key=best_first),
        reasons=sums.reasons,
        costs=costs,
        plot_strategies=_yield("Valid bugs of those proposed, by strategy", strategies),
        plot_operators=_yield("Valid bugs of those proposed, by operator", sums.operators),
        plot_costs={by: _draw_cost(by, lines) for by, lines in costs.items()},
    )


def best_first(line: YieldLine) -> tuple[int, float, str]:
    """Order by yield."""
    return -line.valid, -line.share, line.operator


def name_of(line: YieldLine) -> str:
    """Name what made bugs: the operator, with the strategy where that is not the usual one."""
    if not line.operator or line.strategy == "procedural":
        return line.operator or line.strategy
    return f"{line.strategy}: {line.operator}"


def _yield(title: str, lines: Sequence[YieldLine]) -> Markup:
    rows = [
        Bar(
            label=name_of(line),
            value=line.proposed,
            part=line.valid,
            note=percent(line.share) if line.judged else "not judged",
        )
        for line in sorted(lines, key=best_first)[:MOST_BARS]
    ]
    return bars(rows, title=title, axis=AXIS, tick=lambda value: count(round(value)), whole=True)


def _draw_cost(by: str, lines: Sequence[CostSum]) -> Markup:
    shown = lines[-MOST_BARS:] if by == "month" else lines[:MOST_BARS]
    rows = [
        Bar(label=line.name or "before", value=line.dollars, note=money(line.dollars))
        for line in shown
    ]
    title = f"Dollars for language models, by {by}"
    return bars(rows, title=title, axis="dollars", tick=money)

"""Write the report as one HTML page that needs nothing else: styles and plots are inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jinja2 import PackageLoader
from markupsafe import Markup

from bot.service.pages.charts import Bar, bars
from bot.service.pages.display import count, percent
from bot.service.pages.renderer import TEMPLATES, static
from bot.service.pages.yields import best_first, name_of
from forge.release.gates import Gated
from forge.study.report.contents import StoreReport, comparable
from forge.study.report.difficulty import summarise_strategies
from forge.study.report.plots import plots
from forge.study.report.reliability import by_conditions, lines, overall
from storage.views.yields import YieldLine, by_strategy

TEMPLATE = TEMPLATES.overlay(loader=PackageLoader(__package__))
MOST_BARS = 30
FAILING = ((1, 1), (2, 3), (4, 9), (10, 29), (30, 99), (100, None))
DISTANCES = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 6), (7, None))


def page(report: StoreReport, *, made: str) -> str:
    """Return the page. ``made`` is when, for people."""
    strategies = by_strategy(report.yields.operators)
    human, other = comparable(report)
    return TEMPLATE.get_template("report.html").render(
        report=report,
        made=made,
        style=Markup(static("style.css").decode()),
        strategies=strategies,
        operators=sorted(report.yields.operators, key=best_first),
        plot_strategies=yield_plot("Valid bugs of those proposed, by strategy", strategies),
        plot_operators=yield_plot(
            "Valid bugs of those proposed, by operator", report.yields.operators
        ),
        plot_gates=gates_plot(report.gated),
        reliability=overall("all", report.proved),
        by_repository=lines(report.proved, lambda each: each.repository),
        by_strategy=lines(report.proved, lambda each: each.strategy),
        by_conditions=by_conditions(report.proved),
        failed=[each.score for each in report.proved if each.score.reasons],
        difficulty=summarise_strategies(report.difficulty),
        plot_failing=draw_histogram(
            "Failing tests of a bug", FAILING, [bug.failing for bug in report.difficulty]
        ),
        plot_distance=draw_histogram(
            "Calls from the nearest failing test to the wound",
            DISTANCES,
            [bug.distance for bug in report.difficulty if bug.distance is not None],
        ),
        human=len(human),
        other=len(other),
        features=plots(human, other),
    )


def yield_plot(title: str, lines: Sequence[YieldLine]) -> Markup:
    """Draw what was proposed, and the part that is valid."""
    rows = [
        Bar(
            label=name_of(line),
            value=line.proposed,
            part=line.valid,
            note=percent(line.share) if line.judged else "not judged",
        )
        for line in sorted(lines, key=best_first)[:MOST_BARS]
    ]
    return bars(rows, title=title, axis="bugs", tick=whole(), whole=True)


def gates_plot(gated: Gated) -> Markup:
    """Draw how many tasks are left after each gate."""
    if not gated.tasks:
        return Markup("")
    left, rows = gated.tasks, []
    for gate in gated.gates:
        left -= gate.stopped
        note = f"{count(left)} of {count(gated.tasks)}"
        rows.append(Bar(label=f"after {gate.name}", value=gated.tasks, part=left, note=note))
    title = "Tasks that are left after each gate"
    return bars(rows, title=title, axis="tasks", tick=whole(), whole=True)


def draw_histogram(
    title: str, ranges: Sequence[tuple[int, int | None]], values: Sequence[int]
) -> Markup:
    """Draw how many values are in each range; nothing where there are none."""
    if not values:
        return Markup("")
    rows = []
    for low, high in ranges:
        inside = sum(low <= value and (high is None or value <= high) for value in values)
        label = (
            f"{low} or more" if high is None else f"{low}" if low == high else f"{low} to {high}"
        )
        rows.append(Bar(label=label, value=inside, note=percent(inside / len(values))))
    return bars(rows, title=title, axis="bugs", tick=whole(), whole=True)


def whole() -> Callable[[float], str]:
    """Return how a tick of whole numbers is written."""
    return lambda value: count(round(value))

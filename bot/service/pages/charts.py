"""Bar charts as inline SVG: drawn here, coloured by the stylesheet, read without a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bot.service.pages.display import cut, visible

TOP, BOTTOM = 4, 44
ROW, LABEL, BAR = 44, 15, 14
REACH = 88.0
"""Percent of the width that the longest bar may take; its note stands behind it."""
TICKS = 4
LONGEST_LABEL = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a chart: a bar, and a part of it that is filled."""

    label: str
    value: float
    part: float | None = None
    """How much of ``value`` is filled; None fills all of it."""
    note: str = ""
    """Written behind the bar."""


def bars(
    rows: Sequence[Bar],
    *,
    title: str,
    axis: str,
    tick: Callable[[float], str],
    whole: bool = False,
) -> Markup:
    """Draw horizontal bars from 0. ``axis`` says what is counted, ``tick`` how it is written.

    What is ``whole`` has no ticks between two numbers.
    """
    if not rows:
        return Markup("")
    top = nice(max(row.value for row in rows) or 1.0)
    top = -(-top // TICKS) * TICKS if whole else top
    height = TOP + ROW * len(rows) + BOTTOM
    parts = [*_grid(top, len(rows), axis, tick)]
    for place, row in enumerate(rows):
        parts += _bar(row, TOP + ROW * place, top)
    # Without a viewBox: widths in percent, so that text is as large on a phone as on a desk.
    return Markup(
        '<svg class="chart" width="100%" height="{h}" role="img" aria-label="{title}">'
        "<title>{title}</title>{parts}</svg>"
    ).format(h=height, title=title, parts=Markup("").join(parts))


def nice(value: float) -> float:
    """Return the end of an axis: the next round number, one that its ticks divide well."""
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def _grid(top: float, rows: int, axis: str, tick: Callable[[float], str]) -> list[Markup]:
    bottom = TOP + ROW * rows
    parts = []
    for number in range(TICKS + 1):
        value = top * number / TICKS
        parts.append(
            Markup(
                '<line class="grid" x1="{x}%" y1="{top}" x2="{x}%" y2="{bottom}"/>'
                '<text class="tick" x="{x}%" y="{y}" text-anchor="{anchor}">{text}</text>'
            ).format(
                x=_x(value, top),
                top=TOP,
                bottom=bottom,
                y=bottom + 16,
                text=tick(value),
                anchor="middle" if number else "start",
            )
        )
    label = Markup('<text class="axis" x="{x}%" y="{y}" text-anchor="middle">{axis}</text>')
    return [*parts, label.format(x=REACH / 2, y=bottom + 36, axis=axis)]


def _bar(row: Bar, y: int, top: float) -> list[Markup]:
    label = visible(cut(row.label, LONGEST_LABEL))
    place = y + LABEL + 6
    parts = [
        Markup('<text class="label" x="0" y="{y}">{text}</text>').format(y=y + LABEL, text=label)
    ]
    widths = [("filled", row.value if row.part is None else row.part)]
    if row.part is not None:
        widths.insert(0, ("bar", row.value))
    for name, value in widths:
        parts.append(
            Markup('<rect class="{name}" x="0" y="{y}" width="{w}%" height="{h}"/>').format(
                name=name, y=place, w=_x(value, top), h=BAR
            )
        )
    text = Markup('<text class="value" x="{x}%" dx="6" y="{y}">{note}</text>')
    note = visible(row.note)
    return [*parts, text.format(x=_x(row.value, top), y=place + BAR - 2, note=note)]


def _x(value: float, top: float) -> float:
    return round(REACH * value / top, 2)

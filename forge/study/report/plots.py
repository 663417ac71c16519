"""People's bugs and made ones side by side, feature by feature, as inline SVG."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from syntax.features.kinds import KINDS

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 4, 8, 34
COUNTS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
"""Where the ranges of a count begin, after 0."""
PARTS = (0.2, 0.4, 0.6, 0.8)
SIZES = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0)
PLOTTED: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "hunks": ("Runs of changed lines", COUNTS),
    "files": ("Files", (2.0, 3.0, 5.0, 10.0)),
    "entities": ("Functions, classes and modules", (2.0, 3.0, 5.0, 10.0)),
    "lines_gone": ("Lines of code taken away", COUNTS),
    "lines_came": ("Lines of code brought", COUNTS),
    "tokens_gone": ("Tokens taken away", COUNTS),
    "tokens_came": ("Tokens brought", COUNTS),
    "depth": ("Blocks around it", (1.0, 2.0, 3.0, 4.0)),
    "entity_size": ("Tokens of its entity", SIZES),
    "position": ("Place in its entity (0 to 1)", PARTS),
}
"""Features that are plotted, with a title and where the ranges after the first begin."""
LOWEST = {"files": 1, "entities": 1, "hunks": 1}
WHOLE = frozenset(PLOTTED) - {"position"}


@dataclass(frozen=True, slots=True)
class Column:
    """One place of a plot: shares of both kinds, 0 to 1."""

    label: str
    human: float
    made: float


Numbers = Sequence[Mapping[str, float]]


def plots(human: Numbers, made: Numbers) -> list[tuple[str, Markup]]:
    """Draw every feature; each plot with its title. Nothing where one side is empty."""
    if not human or not made:
        return []
    found = [
        (title, draw_columns(title, count_ranges(name, edges, human, made)))
        for name, (title, edges) in PLOTTED.items()
    ]
    for side, title in (("gone", "taken away"), ("came", "brought")):
        columns = [
            Column(kind, mean(human, f"{kind}_{side}"), mean(made, f"{kind}_{side}"))
            for kind in KINDS
        ]
        found.append((f"Kinds of syntax {title}", draw_columns(title, columns, wide=True)))
    return found


def count_ranges(
    name: str, edges: tuple[float, ...], human: Numbers, made: Numbers
) -> list[Column]:
    """Count both kinds by ranges of a feature."""
    shares = []
    for side in (human, made):
        counts = [0] * (len(edges) + 1)
        for numbers in side:
            counts[bisect_right(edges, numbers[name])] += 1
        shares.append([count / len(side) for count in counts])
    first = LOWEST.get(name, 0)
    labels = labels_of(edges, first, whole=name in WHOLE)
    found = [Column(*each) for each in zip(labels, *shares, strict=True)]
    return found[1:] if edges[0] == first else found


def labels_of(edges: tuple[float, ...], first: int, *, whole: bool) -> list[str]:
    """Name the ranges."""
    starts = [float(first), *edges]
    if not whole:
        return [f"{start:g}-{end:g}" for start, end in zip(starts, [*edges, 1.0], strict=True)]
    ends = [end - 1 for end in edges]
    found = [
        f"{start:g}" if start >= end else f"{start:g}-{end:g}"
        for start, end in zip(starts[:-1], ends, strict=True)
    ]
    return [*found, f"{edges[-1]:g}+"]


def mean(side: Numbers, name: str) -> float:
    """Return the share of bugs with a flag."""
    return sum(numbers[name] for numbers in side) / len(side)


def draw_columns(title: str, columns: Sequence[Column], *, wide: bool = False) -> Markup:
    """Draw columns in pairs."""
    width = WIDTH * 3 if wide else WIDTH
    top = max(0.01, *(max(column.human, column.made) for column in columns))
    step = (width - LEFT - RIGHT) / len(columns)
    parts = [tick for share in (0.0, 0.5, 1.0) for tick in grid(share, top, width)]
    for number, column in enumerate(columns):
        left = LEFT + step * number
        for name, share, at in (("filled", column.human, 0.1), ("bar", column.made, 0.5)):
            height = (HEIGHT - TOP - BOTTOM) * share / top
            parts.append(
                Markup(
                    '<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}">'
                    "<title>{told}</title></rect>"
                ).format(
                    name=name,
                    x=left + step * at,
                    y=HEIGHT - BOTTOM - height,
                    w=step * 0.38,
                    h=height,
                    told=f"{column.label}: {share:.1%} of {'human' if at < 0.5 else 'made'} bugs",
                )
            )
        parts.append(
            Markup(
                '<text class="tick" x="{x:.1f}" y="{y}" text-anchor="middle">{text}</text>'
            ).format(x=left + step / 2, y=HEIGHT - BOTTOM + 16, text=column.label)
        )
    return Markup(
        '<svg class="chart pair{wide}" viewBox="0 0 {w} {h}" role="img" aria-label="{title}">'
        "{parts}</svg>"
    ).format(
        wide=" wide" if wide else "", w=width, h=HEIGHT, title=title, parts=Markup("").join(parts)
    )


def grid(share: float, top: float, width: int) -> list[Markup]:
    """Draw a line across, with the share it stands for."""
    y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    line = Markup('<line class="grid" x1="{a}" y1="{y:.1f}" x2="{b}" y2="{y:.1f}"/>')
    text = Markup('<text class="tick" x="{x}" y="{y:.1f}" text-anchor="end">{text:.0%}</text>')
    return [
        line.format(a=LEFT, b=width - RIGHT, y=y),
        text.format(x=LEFT - 4, y=y + 4, text=top * share),
    ]

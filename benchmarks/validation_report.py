"""What was measured, as tables for people and for documents, and as JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.validation_bench import Row
from benchmarks.validation_counters import Usage
from benchmarks.validation_floor import Floor
from benchmarks.validation_tools import ToolRow

TITLES = {
    "a": "a  fresh sandbox, whole suite",
    "b": "b  kept sandbox, whole suite",
    "c": "c  kept sandbox, covering tests, fresh process",
    "d": "d  the engine: screening",
}
CONFIRMATION = "d  the engine: confirmation of red tests"
VERDICT = "d  the engine: whole verdict"
FLOOR = "   floor: one fork, and the covering tests with no bug"
RUNAWAY = 5.0
"""Times the whole suite, or the slowest way's median: a run that takes longer counts as hanging."""
SHOWN_TESTS = 8
FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One bug by all ways."""

    bug: str
    operator: str
    path: str
    line: int
    covering: int | None
    """How many tests can notice it; None for all, with no rule that leaves any out."""
    floor: float
    """Seconds that the covering tests take with no bug."""
    rows: Mapping[str, Row]

    @property
    def hangs(self) -> bool:
        return any(row.hung for row in self.rows.values())

    @property
    def longest(self) -> float:
        """Wall seconds of the slowest way."""
        return max(row.screening.wall for row in self.rows.values())

    def differs(self, way: str) -> bool:
        """Say whether a way found other tests red than the field's practice did."""
        one, other = self.rows.get("a"), self.rows.get(way)
        return one is not None and other is not None and one.found != other.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one run."""

    about: Mapping[str, Any]
    suite: float
    """Wall seconds of the whole suite in the baseline."""
    floor: Floor
    bugs: Sequence[Measured]
    warm_up: Mapping[str, Usage]
    """What a bug cost by each way before all others: it starts sandboxes, and nothing is warm.

    It is in no other number.
    """
    peaks: Mapping[str, int]
    host_peak: int
    tools: Sequence[ToolRow] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that can be printed in two ways; all columns but the first are numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|---|" + "---:|" * (len(self.columns) - 1))
        lines += ["| " + " | ".join(" ".join(r.split()) for r in row) + " |" for row in self.rows]
        return "\n".join(lines)

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left", box=None, header_style="bold")
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left", no_wrap=not place)
        for row in self.rows:
            table.add_row(*row)
        return table


def print_report(report: Report, console: Console) -> None:
    """Print the tables, what differs, and the same as Markdown."""
    tables = make_tables(report)
    console.print()
    for key, value in report.about.items():
        console.print(f"{key}: {value}", highlight=False, markup=False, soft_wrap=True)
    for table in tables:
        console.print()
        console.print(table.rich())
    console.print()
    for line in differences(report.bugs):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for row in report.tools:
        console.print(f"{row.tool}: {row.failed or row.note}", highlight=False, markup=False)
    text = "\n\n".join(table.markdown() for table in tables)
    console.print(f"\nMarkdown:\n\n{text}\n", highlight=False, markup=False, soft_wrap=True)


def make_tables(report: Report) -> list[Table]:
    """The costs of all bugs, of those that hang apart, and memory."""
    calm, hanging = parted(report)
    tables = [costs("all bugs", report.bugs, report.floor)]
    if hanging:
        tables.append(costs("bugs whose tests end", calm, report.floor))
        title = "bugs that hang or run on and on: only limits count"
        tables.append(costs(title, hanging, report.floor))
    tables.append(resources(report))
    if report.tools:
        tables.append(others(report, calm))
    return tables


def parted(report: Report) -> tuple[list[Measured], list[Measured]]:
    """Part the bugs whose tests end from those that hang or run on and on."""
    limit = RUNAWAY * max(report.suite, typical(report.bugs))
    hanging = [bug for bug in report.bugs if bug.hangs or bug.longest > limit]
    return [bug for bug in report.bugs if bug not in hanging], hanging


def typical(bugs: Sequence[Measured]) -> float:
    """Median wall seconds of the slowest way."""
    names = {name for bug in bugs for name in bug.rows}
    walls = ([bug.rows[name].screening.wall for bug in bugs if name in bug.rows] for name in names)
    return max(map(statistics.median, walls), default=0.0)


def costs(title: str, bugs: Sequence[Measured], floor: Floor) -> Table:
    """Seconds for each verdict, by way."""
    names = [name for name in TITLES if any(name in bug.rows for bug in bugs)]
    base = [bug.rows["a"].screening.cpu for bug in bugs if "a" in bug.rows]
    rows = []
    for name in names:
        used = [bug.rows[name].screening for bug in bugs]
        differing = sum(bug.differs(name) for bug in bugs)
        agrees = f"{len(bugs) - differing} of {len(bugs)}" if base and name != "a" else ""
        rows.append([TITLES[name], *numbers(used, base), agrees])
    if "d" in names:
        again = [bug.rows["d"].confirmation for bug in bugs]
        again = [usage for usage in again if usage.wall]
        rows.append([CONFIRMATION, *numbers(again, []), ""])
        both = [bug.rows["d"].screening + bug.rows["d"].confirmation for bug in bugs]
        rows.append([VERDICT, *numbers(both, base), ""])
    least = [floor.usage(bug.floor) if bug.covering != 0 else Usage() for bug in bugs]
    rows.append([FLOOR, *numbers(least, base), ""])
    return Table(
        title=f"{title}: seconds for each verdict",
        columns=(
            "way",
            "bugs",
            "wall mean",
            "wall median",
            "CPU mean",
            "CPU median",
            "CPU max",
            "sandbox",
            "engine",
            "daemons",
            "a / this: mean",
            "median",
            "red tests as a",
        ),
        rows=rows,
    )


def numbers(used: Sequence[Usage], base: Sequence[float]) -> list[str]:
    """Means and medians, what the mean is made of, and how many times less than the base."""
    if not used:
        return ["0", *[""] * 10]
    cpu = [usage.cpu for usage in used]
    wall = [usage.wall for usage in used]
    parts: list[Callable[[Usage], float]] = [
        lambda usage: usage.sandbox,
        lambda usage: usage.engine,
        lambda usage: usage.daemons,
    ]
    mean, median = statistics.mean(cpu), statistics.median(cpu)
    return [
        str(len(used)),
        seconds(statistics.mean(wall)),
        seconds(statistics.median(wall)),
        seconds(mean),
        seconds(median),
        seconds(max(cpu)),
        *(seconds(statistics.mean(map(part, used))) for part in parts),
        f"{statistics.mean(base) / mean:.1f} x" if base and mean else "",
        f"{statistics.median(base) / median:.1f} x" if base and median else "",
    ]


def seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}"


def resources(report: Report) -> Table:
    """Memory, and what the first bug cost."""
    rows = [
        [
            TITLES[name].removesuffix(": screening"),
            megabytes(report.peaks.get(name, 0)),
            seconds(usage.wall),
            seconds(usage.cpu),
        ]
        for name, usage in report.warm_up.items()
    ]
    rows.append(["   this process, all ways together", megabytes(report.host_peak), "", ""])
    return Table(
        title="memory, and a first bug (not counted above)",
        columns=("way", "peak MB", "first bug wall", "first bug CPU"),
        rows=rows,
    )


def others(report: Report, calm: Sequence[Measured]) -> Table:
    """The mutation testing tools, for each mutant of their own, beside our screening.

    Of ours those that hang are left out: one would outweigh all the others.
    """
    ours = [bug.rows["d"] for bug in calm if "d" in bug.rows]
    ran = [row for row in ours if row.ran]
    base = sum(row.screening.cpu for row in ours) / len(ran) if ran else 0.0
    rows = []
    if ran:
        outcomes = Counter(row.reason for row in ours)
        outcomes["no tests"] = len(ours) - len(ran)
        outcomes["no-test-failed"] -= outcomes["no tests"]
        used = sum((row.screening for row in ours), Usage())
        rows.append(
            [
                "d  screening, hangs left out",
                *shares(len(ours), len(ran), outcomes, used, base),
                "",
                "",
            ]
        )
    for row in report.tools:
        name = f"{row.tool} {row.version}"
        if row.failed:
            rows.append([name, f"failed: {row.failed}", *[""] * 7])
            continue
        tested = row.mutants - row.outcomes.get("no tests", 0)
        rows.append(
            [
                name,
                *shares(row.mutants, tested, row.outcomes, row.run, base),
                seconds(row.setup.cpu),
                megabytes(row.peak),
            ]
        )
    return Table(
        title="mutation testing tools: seconds for each mutant, their set-up apart",
        columns=(
            "tool",
            "mutants",
            "outcomes",
            "wall mean",
            "CPU mean",
            "CPU mean of those with tests",
            "this / d",
            "set-up CPU",
            "peak MB",
        ),
        rows=rows,
    )


def shares(
    mutants: int, tested: int, outcomes: Mapping[str, int], used: Usage, base: float
) -> list[str]:
    """What a mutant cost, and what one that any test enters did: the others are hardly run."""
    each = used.cpu / tested if tested else 0.0
    return [
        str(mutants),
        ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()) if count),
        seconds(used.wall / mutants),
        seconds(used.cpu / mutants),
        seconds(each) if tested else "",
        f"{each / base:.2f} x" if base and tested else "",
    ]


def megabytes(size: int) -> str:
    return f"{size / (1 << 20):.0f}" if size else "not known"


def differences(bugs: Sequence[Measured]) -> list[str]:
    """Every bug whose red tests differ between the field's practice and another way."""
    lines = []
    for bug in bugs:
        for way, row in bug.rows.items():
            if bug.differs(way):
                first = bug.rows["a"]
                lines.append(
                    f"bug {bug.bug} ({bug.operator}, {bug.path}:{bug.line}): a {told(first)}, "
                    f"{way} {told(row)}"
                )
                lines += apart("a", first, row)
                lines += apart(way, row, first)
    rows = [row for bug in bugs for row in bug.rows.values()]
    lines += [f"bug {row.bug} by {row.way} failed: {row.note}" for row in rows if row.end == FAILED]
    lines += [
        f"bug {row.bug} by {row.way}: the sandbox was replaced, which is in its cost"
        for row in rows
        if row.starts > (row.way == "a")
    ]
    if not any("a" in bug.rows for bug in bugs):
        return ["no agreement is told: way a was not run", *lines]
    if not any(bug.differs(way) for bug in bugs for way in bug.rows):
        return ["every way found the same tests red for every bug", *lines]
    return lines


def told(row: Row) -> str:
    return row.end or f"{len(row.red)} red"


def apart(way: str, row: Row, other: Row) -> list[str]:
    """The tests red in one way only."""
    only = [test for test in row.red if test not in set(other.red)]
    shown = [f"    red by {way} only: {test}" for test in only[:SHOWN_TESTS]]
    return [*shown, f"    and {len(only) - SHOWN_TESTS} more"] if only[SHOWN_TESTS:] else shown


def as_json(report: Report) -> dict[str, Any]:
    """Everything, as plain values."""
    document = asdict(report)
    document["bugs"] = [
        {**asdict(bug), "hangs": bug.hangs, "differs": [w for w in bug.rows if bug.differs(w)]}
        for bug in report.bugs
    ]
    document["tables"] = [table.markdown() for table in make_tables(report)] if report.bugs else []
    return document

"""What was measured, as Markdown: for people, and for documents."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.validation.bench import Floor, Row
from benchmarks.validation.tools import ToolRow
from benchmarks.validation.usage import Usage

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

    about: Mapping[str, object]
    suite: float
    """Wall seconds of the whole suite in the baseline."""
    floor: Floor
    bugs: Sequence[Measured]
    tools: Sequence[ToolRow] = field(default_factory=tuple)


def write_report(report: Report) -> str:
    """Return what was measured, the tables, and what differs between the ways."""
    calm, hanging = parted(report)
    parts = ["\n".join(f"{key}: {value}" for key, value in report.about.items())]
    parts.append(costs("all bugs", report.bugs, report.floor))
    if hanging:
        parts.append(costs("bugs whose tests end", calm, report.floor))
        title = "bugs that hang or run on and on: only limits count"
        parts.append(costs(title, hanging, report.floor))
    if report.tools:
        parts.append(others(report, calm))
        parts.append("\n".join(f"{row.tool}: {row.failed or row.note}" for row in report.tools))
    parts.append("\n".join(differences(report.bugs)))
    return "\n\n".join(parts)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns but the first are numbers."""
    lines = [f"### {title}", "", columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(line if isinstance(line, str) else f"| {' | '.join(line)} |" for line in lines)


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


def costs(title: str, bugs: Sequence[Measured], floor: Floor) -> str:
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
    return table(
        f"{title}: seconds for each verdict",
        (
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
        rows,
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


def others(report: Report, calm: Sequence[Measured]) -> str:
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
            ]
        )
    for row in report.tools:
        name = f"{row.tool} {row.version}"
        if row.failed:
            rows.append([name, f"failed: {row.failed}", *[""] * 6])
            continue
        tested = row.mutants - row.outcomes.get("no tests", 0)
        rows.append(
            [
                name,
                *shares(row.mutants, tested, row.outcomes, row.run, base),
                seconds(row.setup.cpu),
            ]
        )
    return table(
        "mutation testing tools: seconds for each mutant, their set-up apart",
        (
            "tool",
            "mutants",
            "outcomes",
            "wall mean",
            "CPU mean",
            "CPU mean of those with tests",
            "this / d",
            "set-up CPU",
        ),
        rows,
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


def differences(bugs: Sequence[Measured]) -> Iterator[str]:
    """Yield every bug whose red tests differ from the field's practice, and what went wrong."""
    if not any("a" in bug.rows for bug in bugs):
        yield "no agreement is told: way a was not run"
    elif not any(bug.differs(way) for bug in bugs for way in bug.rows):
        yield "every way found the same tests red for every bug"
    for bug in bugs:
        for way, row in bug.rows.items():
            if bug.differs(way):
                yield f"{bug.bug} ({bug.operator}, {bug.path}:{bug.line}) by {way}: {told(row)}"
                yield from apart("a", bug.rows["a"], row)
                yield from apart(way, row, bug.rows["a"])
            if row.end == FAILED:
                yield f"{bug.bug} by {way} failed: {row.note}"
            if row.starts > (way == "a"):
                yield f"{bug.bug} by {way}: the sandbox was replaced, which is in its cost"


def told(row: Row) -> str:
    return row.end or f"{len(row.red)} red"


def apart(way: str, row: Row, other: Row) -> list[str]:
    """The tests red in one way only."""
    only = [test for test in row.red if test not in set(other.red)]
    shown = [f"    red by {way} only: {test}" for test in only[:SHOWN_TESTS]]
    return [*shown, f"    and {len(only) - SHOWN_TESTS} more"] if only[SHOWN_TESTS:] else shown

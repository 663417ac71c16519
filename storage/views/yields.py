"""What came of all bugs and what they cost, by strategy, operator and month."""

from __future__ import annotations

from dataclasses import dataclass, replace

from storage.tables import rows
from storage.tables.rows import Row
from storage.views.query import (
    ReadOnlyTables,
    Sight,
    make_repository_condition,
    make_tree_condition,
)

SUMS = """
    select strategy, operator, reason, sum(bugs) as bugs, sum(tasks) as tasks,
        sum(seconds) as seconds
    from (
        select strategy, operator, reason, count(*) as bugs, sum(tasks) as tasks,
            sum(seconds) as seconds
        from standings where {seen} group by tree, strategy, operator, reason)
    group by strategy, operator, reason
"""
"""Summed for each tree first: that is the order of the index, and nothing has to be sorted."""
COSTS = """
    select {by} as name, count(*) as calls, sum(dollars) as dollars
    from model_calls {joined} where dollars > 0 group by 1 order by {order}
"""
THEIRS = """
    join (select hosted.name, strftime('%Y-%m-%dT%H:%M:%S', min(link.since), 'unixepoch') as first
        from hosted join hosted_trees as link on link.repository = hosted.id
        where {seen} and opted_in = 1 group by hosted.id) as theirs
    on theirs.name = model_calls.repository and model_calls.created >= theirs.first
"""
"""Calls for repositories that may be seen; older ones may have been for another of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YieldLine:
    """What the bugs of a strategy, or of one of its operators, came to."""

    strategy: str
    operator: str
    proposed: int
    judged: int
    valid: int
    tasks: int
    seconds: float
    """Time that judging took."""

    @property
    def share(self) -> float:
        """Valid of those judged, 0 to 1."""
        return self.valid / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonLine:
    """How often a verdict was given."""

    reason: str
    bugs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Yields:
    """What came of all bugs: by operator, and by what execution said, the commonest first."""

    operators: list[YieldLine]
    reasons: list[ReasonLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSum:
    """What the calls to language models of one kind cost."""

    name: str
    calls: int
    dollars: float


class YieldViews(ReadOnlyTables):
    """Questions about yield and cost; reached as ``store.views.yields``."""

    def sums(self, sight: Sight) -> Yields:
        """Return what came of all bugs."""
        found = self._ask(SUMS.format(seen=make_tree_condition(sight, "tree")))
        operators: dict[tuple[str, str], YieldLine] = {}
        reasons: dict[str, int] = {}
        for row in found:
            line, place = _line(row), (row["strategy"], row["operator"])
            operators[place] = add_yields(operators[place], line) if place in operators else line
            if row["reason"]:
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["bugs"]
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        return Yields(
            operators=list(operators.values()),
            reasons=[ReasonLine(reason=reason, bugs=bugs) for reason, bugs in ordered],
        )

    def costs(self, sight: Sight, by: str) -> list[CostSum]:
        """Return what models cost by ``strategy``, ``month`` (oldest first) or ``repository``.

        What was called for no strategy serves all, and is named by what it was for.
        """
        names = {
            "strategy": "case strategy when '' then purpose else strategy end",
            "month": "substr(created, 1, 7)",
            "repository": "repository",
        }
        order = "1" if by == "month" else "3 desc, 1"
        joined = "" if sight == "operator" else THEIRS.format(seen=make_repository_condition(sight))
        found = self._ask(COSTS.format(by=names[by], joined=joined, order=order))
        return [rows.from_row(row, CostSum) for row in found]


def by_strategy(operators: list[YieldLine]) -> list[YieldLine]:
    """Return the sums of each strategy, best yield first."""
    sums: dict[str, YieldLine] = {}
    for line in operators:
        whole = replace(line, operator="")
        before = sums.get(line.strategy)
        sums[line.strategy] = add_yields(before, whole) if before else whole
    return sorted(sums.values(), key=lambda line: (-line.valid, line.strategy))


def add_yields(one: YieldLine, other: YieldLine) -> YieldLine:
    """Return the sum of two lines, under the names of the first."""
    return replace(
        one,
        proposed=one.proposed + other.proposed,
        judged=one.judged + other.judged,
        valid=one.valid + other.valid,
        tasks=one.tasks + other.tasks,
        seconds=one.seconds + other.seconds,
    )


def _line(row: Row) -> YieldLine:
    return YieldLine(
        strategy=row["strategy"],
        operator=row["operator"],
        proposed=row["bugs"],
        judged=row["bugs"] if row["reason"] else 0,
        valid=row["bugs"] if row["reason"] == "valid" else 0,
        tasks=row["tasks"],
        seconds=row["seconds"],
    )

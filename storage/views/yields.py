"""What came of all bugs and what they cost, by strategy, operator and month."""

from __future__ import annotations

from dataclasses import dataclass

from storage import rows
from storage.views.reading import Reading, Sight, seen_repository, seen_tree

SUMS = """
    count(*) as proposed, sum(reason != '') as judged, sum(reason = 'valid') as valid,
    sum(tasks) as tasks, sum(seconds) as seconds
"""
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
class CostSum:
    """What the calls to language models of one kind cost."""

    name: str
    calls: int
    dollars: float


class YieldViews(Reading):
    """Questions about yield and cost; reached as ``store.views.yields``."""

    def operators(self, sight: Sight) -> list[YieldLine]:
        """Return what came of every operator's bugs, by strategy."""
        found = self._ask(
            f"select strategy, operator, {SUMS} from standings where {seen_tree(sight, 'tree')} "
            "group by strategy, operator order by strategy, valid desc, operator"
        )
        return [rows.from_row(row, YieldLine) for row in found]

    def reasons(self, sight: Sight) -> list[ReasonLine]:
        """Return what execution said and how often, the commonest first."""
        found = self._ask(
            "select reason, count(*) as bugs from standings "
            f"where reason != '' and {seen_tree(sight, 'tree')} group by reason "
            "order by bugs desc, reason"
        )
        return [rows.from_row(row, ReasonLine) for row in found]

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
        joined = "" if sight == "operator" else THEIRS.format(seen=seen_repository(sight))
        found = self._ask(COSTS.format(by=names[by], joined=joined, order=order))
        return [rows.from_row(row, CostSum) for row in found]


def by_strategy(operators: list[YieldLine]) -> list[YieldLine]:
    """Return the sums of each strategy, best yield first."""
    sums: dict[str, YieldLine] = {}
    for line in operators:
        before = sums.get(line.strategy)
        sums[line.strategy] = _added(before, line) if before else _added(line, None)
    return sorted(sums.values(), key=lambda line: (-line.valid, line.strategy))


def _added(one: YieldLine, other: YieldLine | None) -> YieldLine:
    lines = [one] + ([other] if other else [])
    return YieldLine(
        strategy=one.strategy,
        operator="",
        proposed=sum(line.proposed for line in lines),
        judged=sum(line.judged for line in lines),
        valid=sum(line.valid for line in lines),
        tasks=sum(line.tasks for line in lines),
        seconds=sum(line.seconds for line in lines),
    )

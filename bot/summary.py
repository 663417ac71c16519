"""What a run came to: counts for each operator, and the reasons of the rejected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from storage.records import Bug, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """One operator's part of a run. ``seconds`` is the time its bugs took to judge."""

    operator: str
    proposed: int
    judged: int
    valid: int
    seconds: float

    @property
    def share(self) -> float:
        """Valid of those judged, 0 to 1."""
        return self.valid / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The outcome of one ``forge`` run."""

    repository: str
    sandbox: str
    python: str
    plan: str
    tests: int
    tests_green: int
    rows: tuple[OperatorRow, ...]
    reasons: tuple[tuple[str, int], ...]
    reused: int
    """Verdicts that an earlier run had already paid for."""
    tasks: tuple[str, ...]
    seconds: float

    @property
    def total(self) -> OperatorRow:
        return OperatorRow(
            operator="all",
            proposed=sum(r.proposed for r in self.rows),
            judged=sum(r.judged for r in self.rows),
            valid=sum(r.valid for r in self.rows),
            seconds=sum(r.seconds for r in self.rows),
        )


def operator_rows(
    bugs: Iterable[Bug], verdicts: Iterable[tuple[Bug, Verdict]]
) -> tuple[OperatorRow, ...]:
    """Count for each operator what was proposed, judged and found valid, best yield first."""
    proposed = Counter(bug.origin.operator for bug in bugs)
    judged: Counter[str] = Counter()
    valid: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for bug, verdict in verdicts:
        judged[bug.origin.operator] += 1
        valid[bug.origin.operator] += verdict.valid
        seconds[bug.origin.operator] += verdict.seconds
    rows = [
        OperatorRow(
            operator=name,
            proposed=proposed[name],
            judged=judged[name],
            valid=valid[name],
            seconds=round(seconds[name], 2),
        )
        for name in proposed
    ]
    return tuple(sorted(rows, key=lambda r: (-r.valid, -r.share, r.operator)))


def reason_counts(verdicts: Iterable[Verdict]) -> tuple[tuple[str, int], ...]:
    """Count verdicts by reason, commonest first."""
    counts = Counter(verdict.reason for verdict in verdicts)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

"""What a run came to: counts for each operator, and the reasons of the rejected."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from forge.run.left_out import LeftOut
from storage.records import Bug, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """One operator's part of a run."""

    operator: str
    proposed: int
    judged: int
    valid: int
    worker_seconds: float
    """How long its bugs took to judge, summed over workers side by side."""

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
    screened: tuple[tuple[str, int], ...]
    """How the bugs were screened, commonest first: by which path, by every test, or by none."""
    reused: int
    """Verdicts that an earlier run had already paid for."""
    tasks: tuple[str, ...]
    seconds: float
    """Wall clock."""
    spilled: int = 0
    """Valid bugs that turn more tests red in company than alone."""
    left_out: tuple[LeftOut, ...] = ()
    """What the run passed over."""

    @property
    def total(self) -> OperatorRow:
        return OperatorRow(
            operator="all",
            proposed=sum(r.proposed for r in self.rows),
            judged=sum(r.judged for r in self.rows),
            valid=sum(r.valid for r in self.rows),
            worker_seconds=sum(r.worker_seconds for r in self.rows),
        )


def name_of(bug: Bug) -> str:
    """Name what made a bug: the operator, with the strategy where that is not the usual one."""
    origin = bug.origin
    if origin.strategy == "procedural":
        return origin.operator
    return f"{origin.strategy}: {origin.operator}" if origin.operator else origin.strategy


class Tally:
    """Counts what a run comes to, as it comes; holds no bug and no verdict."""

    def __init__(self) -> None:
        self._proposed: Counter[str] = Counter()
        self._judged: Counter[str] = Counter()
        self._valid: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._reasons: Counter[str] = Counter()
        self.spilled = 0
        """Valid bugs that turn more tests red in company than alone."""

    @property
    def proposed(self) -> int:
        """Bugs that were proposed."""
        return self._proposed.total()

    @property
    def judged(self) -> int:
        """Bugs that have a verdict."""
        return self._judged.total()

    def propose(self, bug: Bug) -> None:
        """Count a bug that was proposed."""
        self._proposed[name_of(bug)] += 1

    def judge(self, bug: Bug, verdict: Verdict) -> None:
        """Count its verdict."""
        name = name_of(bug)
        self._judged[name] += 1
        self._valid[name] += verdict.valid
        self._seconds[name] += verdict.seconds
        self._reasons[verdict.reason] += 1
        self.spilled += verdict.valid and len(verdict.spilled) > len(verdict.fail_to_pass)

    def rows(self) -> tuple[OperatorRow, ...]:
        """What each operator's bugs came to, best yield first."""
        rows = [
            OperatorRow(
                operator=name,
                proposed=self._proposed[name],
                judged=self._judged[name],
                valid=self._valid[name],
                worker_seconds=round(self._seconds[name], 2),
            )
            for name in self._proposed
        ]
        return tuple(sorted(rows, key=lambda r: (-r.valid, -r.share, r.operator)))

    def reasons(self) -> tuple[tuple[str, int], ...]:
        """Verdicts by reason, commonest first."""
        return tuple(sorted(self._reasons.items(), key=lambda item: (-item[1], item[0])))

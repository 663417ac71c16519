"""How many tasks each gate stops, for whoever lists them and for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.gates import GATES, StoppedTask, pass_gates
from tasks.gates.subject import GateSubject, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCount:
    """One gate, and what it stops."""

    name: str
    does: str
    stopped: int
    """Tasks that gates before it let through, and it does not."""
    alone: int
    """Tasks that it would stop if it were the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What came of all gates."""

    tasks: int
    gates: tuple[GateCount, ...]
    """In the order in which tasks meet them."""
    stopped: tuple[StoppedTask, ...]

    @property
    def passed(self) -> int:
        """Tasks that every gate lets through."""
        return self.tasks - len(self.stopped)


def count_gates(tasks: Sequence[GateSubject], rules: Rules) -> Gated:
    """Send tasks through all gates, and through each alone."""
    stopped = pass_gates(tasks, rules).stopped
    counts = Counter(each.gate for each in stopped)
    gates = tuple(
        GateCount(
            name=gate.name,
            does=gate.does,
            stopped=counts[gate.name],
            alone=len(pass_gates(tasks, rules, (gate.name,)).stopped),
        )
        for gate in GATES
    )
    return Gated(tasks=len(tasks), gates=gates, stopped=stopped)

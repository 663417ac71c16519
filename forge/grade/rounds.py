"""The rounds by which exported tasks are proved: what is run, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.judge import Grade
from harness.runs.conditions import of_round
from storage.records import digest
from syntax.intake.intake import INTAKE_VERSION

SHOWN = 5
"""Tests that are named where a round fails."""


OF_THE_FIX = frozenset({"gold-does-not-fix", "gold-breaks"})
"""Reasons that were seen with the fix; the others in the start state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round on one task: both sides, each in a sandbox of its own."""

    task: str
    content: str
    """Digest of what the task is."""
    number: int
    """From 1."""
    conditions: str
    reason: str = ""
    """Why the task did not hold, named; empty when it did."""
    tests: tuple[str, ...] = ()
    """Some of the tests that say so."""
    detail: str = ""
    """What the first of them said, or why nothing was seen."""
    clock: str = ""
    """What became of another clock: ``shifted``, ``not to be had``, or empty when none was due."""
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return key_of(self.task, self.content, self.number)


def key_of(task: str, content: str, number: int) -> str:
    """Identify a round by what it depends on."""
    return digest(task, content, str(number), str(of_round(number)), INTAKE_VERSION)[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsScore:
    """What all rounds on a task came to."""

    instance_id: str
    rounds: int
    held: int
    reasons: tuple[str, ...] = ()
    """Of the rounds that failed, each as ``round N (conditions): reason: tests``."""
    clock: str = ""

    @property
    def holds(self) -> bool:
        """Every round held."""
        return self.held == self.rounds and self.rounds > 0

    @property
    def score(self) -> float:
        """Share of the rounds that held, 0 to 1."""
        return self.held / self.rounds if self.rounds else 0.0


def fault(empty: Grade, gold: Grade) -> tuple[str, tuple[str, ...]]:
    """Return why a task does not hold by the grades of its two sides, and tests that say so.

    ``empty`` is the start state as it is, ``gold`` the fix.
    """
    found = (
        ("solved-at-start", empty.fail_to_pass_green),
        ("broken-at-start", empty.pass_to_pass_red),
        ("gold-does-not-fix", gold.fail_to_pass_red),
        ("gold-breaks", gold.pass_to_pass_red),
    )
    for reason, tests in found:
        if tests:
            return reason, tests[:SHOWN]
    return "", ()


def score(task: str, rounds: Sequence[Round]) -> RoundsScore:
    """Sum up the rounds on one task."""
    ordered = sorted(rounds, key=lambda each: each.number)
    clocks = {each.clock for each in ordered if each.clock}
    return RoundsScore(
        instance_id=task,
        rounds=len(ordered),
        held=sum(not each.reason for each in ordered),
        reasons=tuple(describe_round(each) for each in ordered if each.reason),
        clock="shifted" if clocks == {"shifted"} else ", ".join(sorted(clocks)),
    )


def describe_round(each: Round) -> str:
    """A round that failed, in one line."""
    tests = f": {', '.join(each.tests)}" if each.tests else ""
    detail = f" ({each.detail})" if each.detail else ""
    return f"round {each.number} ({each.conditions}): {each.reason}{tests}{detail}"

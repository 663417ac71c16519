"""What language models cost so far, and what a valid task of each strategy came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import Limit
from storage.store import Store
from storage.tables.calls import CostLine

SHARED = "shared"
"""What is asked for no strategy's sake: plans of environments, for instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyCost:
    """One strategy: its calls, and the tasks that came of it."""

    strategy: str
    calls: int
    dollars: float
    tasks: int
    dollars_per_task: float | None
    """None where there is no task, or no call that was made for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """All that the store knows of what was paid."""

    calls: int
    dollars: float
    held: float
    """Dollars set aside for calls that have not ended, or were cut off and may have been paid."""
    held_calls: int
    month: float
    """Dollars of the current month, with those set aside."""
    lines: tuple[CostLine, ...]
    strategies: tuple[StrategyCost, ...]


def costs(store: Store, month: str) -> Costs:
    """Return what was paid. ``month`` is the current one, as ``2026-11``."""
    lines = tuple(store.calls.sums())
    holds = store.calls.holds()
    return Costs(
        calls=sum(line.calls for line in lines),
        dollars=sum(line.dollars for line in lines),
        held=sum(hold.dollars for hold in holds),
        held_calls=len(holds),
        month=store.calls.sum_dollars(Limit(scope="month", of=month, dollars=0.0)),
        lines=lines,
        strategies=by_strategy(lines, tasks_by_strategy(store)),
    )


def tasks_by_strategy(store: Store) -> Counter[str]:
    """Count the valid tasks by the strategy that found their bug first."""
    bugs = (store.bug(task.bug) for task in store.tasks())
    return Counter(bug.origin.strategy for bug in bugs if bug is not None)


def by_strategy(lines: Sequence[CostLine], tasks: Counter[str]) -> tuple[StrategyCost, ...]:
    """Return the cost of each strategy that has calls or tasks, by name; what is shared last."""
    names = {line.strategy for line in lines} | set(tasks)
    found = []
    for name in sorted(names, key=lambda name: (not name, name)):
        own = [line for line in lines if line.strategy == name]
        dollars = sum(line.dollars for line in own)
        count = tasks[name]
        found.append(
            StrategyCost(
                strategy=name or SHARED,
                calls=sum(line.calls for line in own),
                dollars=dollars,
                tasks=count,
                dollars_per_task=dollars / count if count and own else None,
            )
        )
    return tuple(found)

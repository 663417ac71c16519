"""What judging came to, by repository: verdicts, tasks, and what each task took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from storage.records import Dispatch, MinuteLimit
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryStats:
    """One repository."""

    repository: str
    """``owner/name``."""
    verdicts: int
    valid: int
    tasks: int
    seconds: float
    """Of sandboxes, all verdicts together."""
    runner_minutes: float
    """Of GitHub Actions that were paid."""
    expected_minutes: float
    """That were said beforehand."""
    minutes_per_task: float | None
    """Runner minutes for each valid bug that Actions judged; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStats:
    """A limit of runner minutes, and what counts against it."""

    scope: str
    of: str
    minutes: float
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """All of a store."""

    repositories: tuple[RepositoryStats, ...]
    month: str
    month_minutes: float
    """Runner minutes of this month, those of runs under way as expected."""
    limits: tuple[LimitStats, ...]


def stats(store: Store, month: str) -> Stats:
    """Count what a store holds; ``month`` is the current one, as ``2026-11``."""
    names = {r.tree: f"{r.owner}/{r.name}" for r in store.repositories()}
    sent: defaultdict[str, list[Dispatch]] = defaultdict(list)
    for dispatch in store.dispatches.all():
        sent[dispatch.repository].append(dispatch)
    verdicts: Counter[str] = Counter()
    valid: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for tree, count, good, took in store.verdict_sums():
        name = names.get(tree, tree)
        verdicts[name] += count
        valid[name] += good
        seconds[name] += took
    tasks = Counter(names.get(tree, tree) for tree in store.task_trees())
    found = [
        row(name, verdicts[name], valid[name], tasks[name], seconds[name], sent[name])
        for name in sorted({*verdicts, *sent})
    ]
    spent = store.dispatches.sum_minutes(MinuteLimit(scope="month", of=month))
    return Stats(
        repositories=tuple(found),
        month=month,
        month_minutes=spent,
        limits=tuple(limits(store, month)),
    )


def row(
    name: str, verdicts: int, valid: int, tasks: int, seconds: float, sent: Iterable[Dispatch]
) -> RepositoryStats:
    """Return one repository's row."""
    sent = list(sent)
    used = sum(dispatch.used for dispatch in sent)
    judged_there = sum(dispatch.valid for dispatch in sent)
    return RepositoryStats(
        repository=name,
        verdicts=verdicts,
        valid=valid,
        tasks=tasks,
        seconds=round(seconds, 1),
        runner_minutes=used,
        expected_minutes=sum(dispatch.expected for dispatch in sent),
        minutes_per_task=round(used / judged_there, 3) if judged_there else None,
    )


def limits(store: Store, month: str) -> Iterable[LimitStats]:
    """Yield the limits with what counts against each; one of every repository names none."""
    for limit in store.dispatches.limits():
        used = 0.0
        if limit.scope == "month":
            used = store.dispatches.sum_minutes(MinuteLimit(scope="month", of=limit.of or month))
        elif limit.of:
            used = store.dispatches.sum_minutes(limit)
        yield LimitStats(scope=limit.scope, of=limit.of, minutes=limit.minutes, used=used)

"""What came of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.campaign.config import Campaign
from harness.local import size_of
from storage.records import Limit
from storage.store import Store

WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One repository."""

    source: str
    state: str
    """``done``, ``failed``, ``stopped`` or ``waiting``."""
    tasks: int = 0
    verdicts: int = 0
    hours: float = 0.0
    attempts: int = 0
    dollars: float = 0.0
    runner_minutes: float = 0.0
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of a campaign."""

    campaign: str
    lines: tuple[Line, ...]
    total: Line
    gigabytes: float
    """What the cache holds."""
    ended: str
    """Why it ended before all was begun; empty when it did not."""


def report(campaign: Campaign, store: Store, *, ended: str, cache: Path) -> Report:
    """Put together what the store knows of a campaign."""
    lines = tuple(line(campaign, entry.source, store) for entry in campaign.repositories)
    return Report(
        campaign=campaign.name,
        lines=lines,
        total=Line(
            source="all",
            state="",
            tasks=sum(each.tasks for each in lines),
            verdicts=sum(each.verdicts for each in lines),
            hours=sum(each.hours for each in lines),
            attempts=sum(each.attempts for each in lines),
            dollars=sum(each.dollars for each in lines),
            runner_minutes=sum(each.runner_minutes for each in lines),
        ),
        gigabytes=round(size_of(cache) / 1e9, 2),
        ended=ended,
    )


def line(campaign: Campaign, source: str, store: Store) -> Line:
    """Return the line of one repository."""
    step = store.campaigns.step(campaign.name, source)
    if step is None:
        return Line(source=source, state=WAITING)
    names = [f"{r.owner}/{r.name}" for r in store.repositories() if r.source == source]
    sent = [each for each in store.dispatches.all() if each.repository in names]
    spent = sum(
        store.calls.spent(Limit(scope="repository", of=name, dollars=0)) for name in set(names)
    )
    return Line(
        source=source,
        state=step.state,
        tasks=step.tasks,
        verdicts=step.verdicts,
        hours=round(step.seconds / 3600, 3),
        attempts=step.attempts,
        dollars=round(spent, 4),
        runner_minutes=sum(each.used for each in sent),
        failure=step.failure,
    )

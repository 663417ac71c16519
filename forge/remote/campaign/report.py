"""What came of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forge.remote.campaign.config import Campaign
from forge.remote.campaign.projection import Measured
from forge.remote.campaign.schedule import DONE
from harness.sandboxes.local_backend import size_of
from storage.records import Limit
from storage.store import Store

WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
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
class CampaignReport:
    """All of a campaign."""

    campaign: str
    lines: tuple[CampaignLine, ...]
    total: CampaignLine
    gigabytes: float
    """What the cache holds."""
    ended: str
    """Why it ended before all was begun; empty when it did not."""


def report(campaign: Campaign, store: Store, *, ended: str, cache: Path) -> CampaignReport:
    """Put together what the store knows of a campaign."""
    lines = tuple(line(campaign, entry.source, store) for entry in campaign.repositories)
    return CampaignReport(
        campaign=campaign.name,
        lines=lines,
        total=CampaignLine(
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


def measure_rates(campaign: Campaign, store: Store, found: CampaignReport) -> Measured:
    """Return the rates of what is done of a campaign."""
    done = [line for line in found.lines if line.state == DONE]
    sources = {line.source for line in done}
    trees = {each.tree for each in store.repositories() if each.source in sources}
    sums = [each for each in store.verdict_sums() if each[0] in trees]
    return Measured(
        repositories=len(done),
        tasks=sum(line.tasks for line in done),
        verdicts=sum(line.verdicts for line in done),
        hours=sum(line.hours for line in done),
        judging_seconds=sum(seconds for _, _, _, seconds in sums),
        workers=campaign.validation.workers,
        dollars=sum(line.dollars for line in done),
        cache_bytes=round(found.gigabytes * 1e9),
        store_bytes=store.path.stat().st_size,
    )


def line(campaign: Campaign, source: str, store: Store) -> CampaignLine:
    """Return the line of one repository."""
    step = store.campaigns.step(campaign.name, source)
    if step is None:
        return CampaignLine(source=source, state=WAITING)
    names = [f"{r.owner}/{r.name}" for r in store.repositories() if r.source == source]
    sent = [each for each in store.dispatches.all() if each.repository in names]
    spent = sum(
        store.calls.sum_dollars(Limit(scope="repository", of=name, dollars=0))
        for name in set(names)
    )
    return CampaignLine(
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

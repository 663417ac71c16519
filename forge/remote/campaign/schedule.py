"""What a campaign does next, and whether it may: pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from forge.remote.campaign.config import Campaign, CampaignEntry
from storage.records import CampaignStep

DONE = "done"
FAILED = "failed"
STOPPED = "stopped"


def select_remaining(campaign: Campaign, steps: Sequence[CampaignStep]) -> list[CampaignEntry]:
    """Return the repositories that are not done, in the file's order; those that failed last."""
    known = {step.source: step for step in steps}
    left = [
        entry
        for entry in campaign.repositories
        if (step := known.get(entry.source)) is None or step.state != DONE
    ]
    return sorted(left, key=lambda entry: failures(known.get(entry.source)))


def failures(step: CampaignStep | None) -> int:
    """Say how often a repository failed."""
    return 0 if step is None or step.state == STOPPED else step.attempts


def seconds_to_wait(campaign: Campaign, now: datetime) -> float:
    """Return how long it is until a repository may be begun, by the times of day."""
    if campaign.window is None:
        return 0.0
    first, last = campaign.window
    clock = now.time()
    inside = first <= clock < last if first < last else clock >= first or clock < last
    if inside:
        return 0.0
    begins = now.replace(hour=first.hour, minute=first.minute, second=0, microsecond=0)
    if begins <= now:
        begins += timedelta(days=1)
    return (begins - now).total_seconds()


def explain_halt(
    campaign: Campaign, *, hours: float, gigabytes: float, runner_minutes: float
) -> str:
    """Say why no other repository is begun; empty when one may be."""
    if campaign.hours is not None and hours >= campaign.hours:
        return f"the {campaign.hours:g} hours are over"
    if campaign.disk_gb is not None and gigabytes >= campaign.disk_gb:
        return f"the cache holds {gigabytes:.1f} GB of {campaign.disk_gb:g}"
    if campaign.runner_minutes is not None and runner_minutes >= campaign.runner_minutes:
        return f"{runner_minutes:.0f} of {campaign.runner_minutes:g} runner minutes are used"
    return ""

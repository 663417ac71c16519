"""What a campaign does next, and whether it may: pure decisions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.setting_fields import setting_fields, write_words
from forge.remote.campaign.config import Campaign, Entry
from storage.records import CampaignStep

DONE = "done"
FAILED = "failed"
STOPPED = "stopped"


def command(campaign: Campaign, entry: Entry, store: Path) -> list[str]:
    """Return the command that forges one repository: what a person would type."""
    words = [sys.executable, "-m", "bot", "forge", "--json", "--store", str(store)]
    words += settings_words(campaign, entry)
    words += [] if entry.python is None else ["--python", entry.python]
    for step in entry.install or ():
        words += ["--install", step]
    words += [] if entry.pytest_args is None else ["--pytest-args", entry.pytest_args]
    return [*words, "--", entry.source]


def settings_words(campaign: Campaign, entry: Entry) -> list[str]:
    """Return the options that a campaign has a say in."""
    proposals, model = campaign.proposals, campaign.model
    agreed = replace(
        campaign,
        proposals=replace(
            proposals,
            max_bugs=entry.max_bugs or proposals.max_bugs,
            strategies=entry.strategies or proposals.strategies,
        ),
        model=replace(model, budget=model.budget if campaign.dollars else 0),
    )
    words: list[str] = []
    of_forge = [each.path for each in setting_fields(Campaign) if len(each.path) > 1]
    for record in dict.fromkeys(path[0] for path in of_forge):
        offered = {path[1:] for path in of_forge if path[0] == record}
        words += write_words(getattr(agreed, record), offered)
    return words


def remaining(campaign: Campaign, steps: Sequence[CampaignStep]) -> list[Entry]:
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


def why_not(campaign: Campaign, *, hours: float, gigabytes: float, runner_minutes: float) -> str:
    """Say why no other repository is begun; empty when one may be."""
    if campaign.hours is not None and hours >= campaign.hours:
        return f"the {campaign.hours:g} hours are over"
    if campaign.disk_gb is not None and gigabytes >= campaign.disk_gb:
        return f"the cache holds {gigabytes:.1f} GB of {campaign.disk_gb:g}"
    if campaign.runner_minutes is not None and runner_minutes >= campaign.runner_minutes:
        return f"{runner_minutes:.0f} of {campaign.runner_minutes:g} runner minutes are used"
    return ""

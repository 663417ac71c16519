"""What a larger campaign would take, from the rates of one that was run. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forge.remote.batch.partition import AROUND, SETTING_UP
from storage.errors import ConfigError

RUNNER_WORKERS = 4
"""Sandboxes side by side on a runner of four cores."""
SHARD_MINUTES = 10.0
NOTHING = "nothing of this campaign is done yet: there are no rates to go by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a campaign came to."""

    repositories: int
    """That are done."""
    tasks: int
    verdicts: int
    hours: float
    """Wall clock, all repositories together."""
    judging_seconds: float
    """Of sandboxes, all verdicts together."""
    workers: int
    dollars: float
    cache_bytes: int
    store_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What so many tasks of so many repositories would take."""

    repositories: int
    tasks: int
    verdicts: int
    machine_hours: float
    """Of one machine like the one measured."""
    runner_minutes: float
    """Of GitHub Actions, on runners of four cores."""
    dollars: float
    """For language models."""
    gigabytes: float
    """Of cache and store."""


def project(measured: Measured, *, tasks: int, repositories: int) -> Projection:
    """Return what a campaign would take at the same rates. Raises ConfigError for no rates."""
    if not (measured.tasks and measured.verdicts and measured.repositories):
        raise ConfigError(NOTHING)
    verdicts = math.ceil(tasks * measured.verdicts / measured.tasks)
    judging = verdicts * measured.judging_seconds / measured.verdicts
    around = around_hours(measured) * repositories
    return Projection(
        repositories=repositories,
        tasks=tasks,
        verdicts=verdicts,
        machine_hours=round(around + judging / 3600 / measured.workers, 1),
        runner_minutes=round(minutes(judging, around, repositories)),
        dollars=round(tasks * measured.dollars / measured.tasks, 2),
        gigabytes=round(
            (
                repositories * measured.cache_bytes / measured.repositories
                + verdicts * measured.store_bytes / measured.verdicts
            )
            / 1e9,
            1,
        ),
    )


def around_hours(measured: Measured) -> float:
    """Return the hours of a repository that are not judging: fetching, building, measuring."""
    judging = measured.judging_seconds / 3600 / measured.workers
    return max(0.0, measured.hours - judging) / measured.repositories


def minutes(judging: float, around: float, repositories: int) -> float:
    """Return the runner minutes of so many seconds of judging and hours around it."""
    judged = judging / 60 / RUNNER_WORKERS
    shards = max(repositories, math.ceil(judged / SHARD_MINUTES))
    return around * 60 + judged + shards * SETTING_UP / 60 + repositories * AROUND

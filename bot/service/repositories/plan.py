"""What is done for a repository that is opted in, in which order: the jobs of the work queue."""

from __future__ import annotations

import json
from typing import Any

from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

WORK = "work"
"""What takes long and runs repository code: in processes of its own."""
STAGES = (
    "environment",
    "crawl",
    "mirror",
    "procedural",
    "model",
    "combine",
    "judge",
    "report",
)
"""Each ends by asking for the next: environment and baseline; pull requests; undone fixes;
operators; rewrite and modify, where a model is configured; joined bugs; a full run of what no test
noticed; what the maintainer is told."""
PULL = "pull"
"""The kind of a job that mirrors one pull request and tells what guards it."""
URGENT = 10
"""Priority of what a person asked for."""


def stage_job(
    hosted: Hosted, stage: str, *, priority: int = 0, due: float = 0.0, **payload: Any
) -> NewJob:
    """Return the job of one stage. ``alone=True`` asks for no other stage after it."""
    return _job(hosted, stage, str(hosted.id), payload, priority=priority, due=due)


def pull_job(hosted: Hosted, number: int, *, priority: int = URGENT, **payload: Any) -> NewJob:
    """Return the job of mirroring one pull request."""
    subject = f"{hosted.id}:{number}"
    return _job(hosted, PULL, subject, payload | {"number": number}, priority=priority)


def first_stage_job(hosted: Hosted, *, priority: int = 0) -> NewJob:
    """Return the job with which everything begins for a repository."""
    return stage_job(hosted, STAGES[0], priority=priority)


def next_stage_job(hosted: Hosted, stage: str, **payload: Any) -> NewJob | None:
    """Return the job of the stage after this one; None after the last."""
    following = STAGES[STAGES.index(stage) + 1 :]
    return stage_job(hosted, following[0], **payload) if following else None


def _job(
    hosted: Hosted,
    kind: str,
    subject: str,
    payload: dict[str, Any],
    *,
    priority: int,
    due: float = 0.0,
) -> NewJob:
    return NewJob(
        queue=WORK,
        kind=kind,
        subject=subject,
        payload=json.dumps(payload, sort_keys=True),
        repository=hosted.id,
        installation=hosted.installation,
        lane=f"work:{hosted.id}",
        priority=priority,
        due=due,
    )

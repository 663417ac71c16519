"""What keeps the service's picture of GitHub true: the jobs of the upkeep queue."""

from __future__ import annotations

import json

from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

UPKEEP = "upkeep"
"""Looking after things: missed deliveries, what is opted in, what can be forgotten."""
RECONCILE = "reconcile"
"""The kind that compares all with what GitHub says: its subject is an installation, or ALL."""
ALL = "all"
MARKS = "marks"
"""The kind that looks which pull requests of a repository have a label."""
MISSED = "missed"
"""The kind that fetches deliveries which GitHub could not hand over."""
TIDY = "tidy"
"""The kind that forgets what nobody will ask for."""
RUNS = "runs"
"""The kind that finds runs of GitHub Actions that ended without our being told."""
INGEST = "ingest"
"""The kind that takes in what a run of GitHub Actions came to: its subject is the run."""


def reconcile_all() -> NewJob:
    """Return the job that looks where the App is installed."""
    return NewJob(queue=UPKEEP, kind=RECONCILE, subject=ALL, lane=f"{UPKEEP}:{ALL}")


def reconcile_job(installation: int) -> NewJob:
    """Return the job that looks at an installation and all its repositories."""
    return NewJob(
        queue=UPKEEP,
        kind=RECONCILE,
        subject=str(installation),
        installation=installation,
        lane=f"{UPKEEP}:{installation}",
    )


def marks_job(hosted: Hosted) -> NewJob:
    """Return the job that looks which pull requests of a repository have a label."""
    return NewJob(
        queue=UPKEEP,
        kind=MARKS,
        subject=str(hosted.id),
        repository=hosted.id,
        installation=hosted.installation,
        lane=f"{UPKEEP}:{MARKS}:{hosted.id}",
    )


def missed_job(since: float, *, due: float = 0.0) -> NewJob:
    """Return the job that fetches what was missed since then, by GitHub's clock."""
    payload = json.dumps({"since": since})
    return NewJob(
        queue=UPKEEP, kind=MISSED, subject=ALL, payload=payload, lane=f"{UPKEEP}:{MISSED}", due=due
    )


def tidy_job() -> NewJob:
    """Return the job that forgets what nobody will ask for."""
    return NewJob(queue=UPKEEP, kind=TIDY, subject=ALL, lane=f"{UPKEEP}:{TIDY}")


def runs_job() -> NewJob:
    """Return the job that looks at runs of GitHub Actions of whose end we were not told."""
    return NewJob(queue=UPKEEP, kind=RUNS, subject=ALL, lane=f"{UPKEEP}:{RUNS}")


def ingest_job(repository: int, installation: int, run: int, *, due: float = 0.0) -> NewJob:
    """Return the job that takes in what a run of GitHub Actions came to."""
    return NewJob(
        queue=UPKEEP,
        kind=INGEST,
        subject=f"{repository}:{run}",
        payload=json.dumps({"run": run}),
        repository=repository,
        installation=installation,
        lane=f"{UPKEEP}:{INGEST}:{repository}",
        due=due,
    )

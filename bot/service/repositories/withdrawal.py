"""An operator takes a repository out, whatever its labels say, and lets it in again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.service.outbox.outbox import OUTBOX
from bot.service.repositories.chores import reconcile_job
from bot.service.repositories.optin import BY_OPERATOR
from bot.service.repositories.plan import WORK
from storage.store import Store
from storage.tables.hosted import Hosted


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A repository that is opted out now."""

    hosted: Hosted
    running: bool
    """Whether it was being worked on: a worker learns of the end within seconds."""


def withdraw(store: Store, hosted: Hosted, *, now: float) -> Withdrawn:
    """Opt a repository out, and end what is done for it. One that is out already stays as it is."""
    with store.together():
        present = store.hosted.get(hosted.id) or hosted
        if present.opted_in:
            present = replace(present, opted_in=False, because=BY_OPERATOR, since=now)
            store.hosted.put_repository(present)
        ended = store.jobs.cancel(hosted.id, now=now, queues=(WORK, OUTBOX), why=present.because)
    return Withdrawn(hosted=present, running=any(job.state == "running" for job in ended))


def let_in(store: Store, hosted: Hosted, *, now: float) -> bool:
    """Have the labels decide again; False when they did all along."""
    with store.together():
        present = store.hosted.get(hosted.id) or hosted
        if present.because != BY_OPERATOR:
            return False
        store.hosted.put_repository(replace(present, because="", since=now))
        store.jobs.put_jobs([reconcile_job(present.installation)], now)
    return True

"""Forgets what nobody will ask for any more."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.outbox.outbox import OUTBOX
from bot.service.repositories.chores import UPKEEP
from bot.service.repositories.plan import WORK
from storage.store import Store
from storage.tables.deliveries import INBOX
from storage.tables.jobs import Job

DAY = 86400.0
QUEUES = (INBOX, WORK, OUTBOX, UPKEEP)
BODY_DAYS = 3.0
"""Days for which the payload of a delivery that was handled is kept: as long as GitHub has it."""


async def tidy(job: Job, scene: Scene) -> Outcome:
    """Forget deliveries that were handled long ago, and the jobs that they were.

    A delivery is remembered for longer than GitHub can deliver it again.
    """
    now = scene.clock()
    before = now - scene.config.serve.keep_days * DAY

    def forget(store: Store) -> int:
        with store.together():
            store.deliveries.forget(bodies_before=now - BODY_DAYS * DAY, before=before)
            return sum(store.jobs.prune(queue=queue, before=before) for queue in QUEUES)

    return Outcome(note=f"{await scene.keeper(forget)} jobs forgotten")

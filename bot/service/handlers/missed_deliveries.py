"""Fetches the deliveries that GitHub could not hand over: it does not try again by itself.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from __future__ import annotations

import json
import logging

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import EVENTS
from bot.service.repositories.chores import missed_job
from mirror.github.deliveries import Delivered, deliveries, delivery_payload
from storage.errors import GitHubError, GitHubMissing
from storage.tables.deliveries import Delivery
from storage.tables.jobs import Job

log = logging.getLogger(__name__)

OVERLAP = 600.0
"""Seconds before the last attempt that was seen from which on they are looked at once more: GitHub
may list one late."""
PATIENT = 5
"""Attempts until one that cannot be fetched is given up, so that it does not hold up the others."""


async def fetch_missed(job: Job, scene: Scene) -> Outcome:
    """Take in what GitHub tried to deliver and we do not have, and ask to be begun again later.

    All times are GitHub's, so that a clock of ours that jumps changes nothing.
    """
    since = float(json.loads(job.payload).get("since", 0.0))
    attempts = await deliveries(scene.hub.as_app(), max(0.0, since - OVERLAP))
    newest = max([since, *(one.delivered for one in attempts)])
    taken = 0
    failed: list[GitHubError] = []
    for one in await _find_unknown(scene, attempts):
        try:
            taken += await _take(scene, one)
        except GitHubError as error:
            log.warning("delivery=%s not fetched error=%r", one.guid, str(error))
            failed.append(error)
    if failed and job.attempts < PATIENT:
        raise failed[0]
    return Outcome(
        note=f"{taken} of {len(attempts)} attempts taken in",
        jobs=(missed_job(newest, due=scene.clock() + scene.config.limits.missed_minutes * 60),),
    )


async def _find_unknown(scene: Scene, attempts: list[Delivered]) -> list[Delivered]:
    """Return the last attempt at each delivery that somebody waits for and that we do not have."""
    last = {one.guid: one for one in attempts if _is_handled(one)}
    known = await scene.keeper(lambda store: store.deliveries.select_received(last))
    return [one for guid, one in last.items() if guid not in known]


async def _take(scene: Scene, one: Delivered) -> int:
    try:
        payload = await delivery_payload(scene.hub.as_app(), one.id)
    except GitHubMissing:
        return 0
    if not payload:
        return 0
    now = scene.clock()
    delivery = Delivery(
        guid=one.guid,
        event=one.event,
        action=one.action,
        repository=one.repository,
        installation=one.installation,
        received=now,
        body=json.dumps(payload).encode(),
    )
    log.info("delivery=%s event=%s fetched", one.guid, one.event)
    return sum(await scene.keeper(lambda store: store.deliveries.receive([delivery], now)))


def _is_handled(one: Delivered) -> bool:
    return (one.event, "") in EVENTS or (one.event, one.action) in EVENTS

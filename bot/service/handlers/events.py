"""The registry of handlers, and the one job that hands a delivery to those it concerns."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.service.base.scene import Outcome, Scene
from storage.tables.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What GitHub told. The payload is what anybody may have caused: never trust its texts."""

    guid: str
    name: str
    action: str
    payload: dict[str, Any]
    repository: int
    """GitHub's number, 0 where there is none."""
    installation: int
    received: float
    """When it came here."""


EventHandler = Callable[[WebhookEvent, Scene], Awaitable[Outcome]]
EVENTS: dict[tuple[str, str], list[EventHandler]] = {}
"""By event and action; the action is empty for every action of the event."""


def on(name: str, *actions: str) -> Callable[[EventHandler], EventHandler]:
    """Register a handler for an event, for some of its actions or for all."""

    def register(handler: EventHandler) -> EventHandler:
        for action in actions or ("",):
            EVENTS.setdefault((name, action), []).append(handler)
        return handler

    return register


async def handle_delivery(job: Job, scene: Scene) -> Outcome:
    """Hand a delivery to its handlers; what nobody waits for is ignored quietly."""
    delivery = await scene.keeper(lambda store: store.deliveries.get(job.subject))
    if delivery is None or not delivery.body:
        return Outcome(note="forgotten")
    # Of an event without actions, as a push is, both are the same.
    keys = dict.fromkeys(((delivery.event, ""), (delivery.event, delivery.action)))
    handlers = [handler for key in keys for handler in EVENTS.get(key, [])]
    if not handlers:
        return Outcome(note=f"{delivery.event}: nothing to do")
    event = WebhookEvent(
        guid=delivery.guid,
        name=delivery.event,
        action=delivery.action,
        payload=json.loads(delivery.body),
        repository=delivery.repository,
        installation=delivery.installation,
        received=delivery.received,
    )
    return join_outcomes([await handler(event, scene) for handler in handlers])


def join_outcomes(outcomes: list[Outcome]) -> Outcome:
    """Return outcomes as one."""
    return Outcome(
        note="; ".join(outcome.note for outcome in outcomes if outcome.note),
        changes=tuple(change for outcome in outcomes for change in outcome.changes),
        jobs=tuple(job for outcome in outcomes for job in outcome.jobs),
    )

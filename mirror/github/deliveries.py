"""What GitHub tried to deliver to the App: found when we were away, and asked for again.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mirror.github.client import GitHub, look_for_nothing

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One attempt to hand an event over."""

    id: int
    guid: str
    """The same for all attempts at one event."""
    event: str
    action: str
    delivered: float
    """Seconds since the epoch, by GitHub's clock."""
    status: int
    """What was answered, or what GitHub made of it that nothing was."""
    redelivery: bool
    installation: int
    """0 when it belongs to none."""
    repository: int

    @property
    def taken(self) -> bool:
        """Whether it was acknowledged."""
        return 200 <= self.status < 300


async def deliveries(as_app: GitHub, since: float, *, most: int | None = None) -> list[Delivered]:
    """Return the attempts since then, oldest first; GitHub keeps them for some days.

    With ``most``, of the newest pages that hold so many. Raises GitHubError.
    """
    found: dict[int, Delivered] = {}
    async for page in as_app.pages("/app/hook/deliveries", what="the App's deliveries"):
        read = [_parse_delivery(one) for one in page]
        # While pages are read, new attempts push older ones onto the next.
        found |= {one.id: one for one in read if one.delivered >= since}
        if any(one.delivered < since for one in read) or (most is not None and len(found) >= most):
            break
    return sorted(found.values(), key=lambda one: (one.delivered, one.id))


def find_missed_deliveries(attempts: Iterable[Delivered]) -> list[Delivered]:
    """Return the last attempt at each event that was never acknowledged, oldest event first."""
    known = list(attempts)
    taken = {one.guid for one in known if one.taken}
    last = {one.guid: one for one in known if one.guid not in taken}
    return list(last.values())


async def delivery_payload(as_app: GitHub, delivery: int) -> Json:
    """Return what an attempt was to hand over, as GitHub sent it. Raises GitHubError.

    It comes from GitHub itself, so it needs no signature.
    """
    path = f"/app/hook/deliveries/{delivery}"
    data = (await as_app.get(path, what=f"delivery {delivery}")).data
    payload = data["request"]["payload"]
    return payload if isinstance(payload, dict) else {}


async def redeliver(as_app: GitHub, delivery: int) -> None:
    """Have GitHub try again, under the same GUID. Raises GitHubError."""
    path = f"/app/hook/deliveries/{delivery}/attempts"
    await as_app.write(
        "POST", path, what=f"another attempt at delivery {delivery}", look=look_for_nothing
    )


def _parse_delivery(one: Json) -> Delivered:
    return Delivered(
        id=one["id"],
        guid=one["guid"],
        event=one["event"],
        action=one["action"] or "",
        delivered=datetime.fromisoformat(one["delivered_at"]).timestamp(),
        status=one["status_code"],
        redelivery=one["redelivery"],
        installation=one["installation_id"] or 0,
        repository=one["repository_id"] or 0,
    )

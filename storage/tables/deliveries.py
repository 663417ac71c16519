"""The part of the store that holds what GitHub told the service, as it came."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from storage.tables import rows
from storage.tables.jobs import Jobs, NewJob
from storage.tables.rows import Row
from storage.tables.table import Tables

INBOX = "inbox"
"""The queue of deliveries that are to be handled."""
DELIVERY = "delivery"
"""The kind of its jobs; their subject is the delivery's guid."""


PUT = """
    insert or replace into deliveries
        (guid, event, action, repository, installation, received, body)
        values (:guid, :event, :action, :repository, :installation, :received, :body)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook delivery."""

    guid: str
    """GitHub's own name for it; a redelivery has the same."""
    event: str
    action: str = ""
    repository: int = 0
    """GitHub's number, 0 where the delivery names none."""
    installation: int = 0
    received: float = 0.0
    """Seconds since the epoch."""
    body: bytes = b""
    """The payload as it came; empty once it is forgotten."""


class Deliveries(Tables):
    """The inbox; reached as ``store.deliveries``."""

    def receive(self, deliveries: Iterable[Delivery], now: float) -> list[bool]:
        """Keep deliveries and ask for each to be handled, all or nothing.

        Say of each whether it is news: one that is known is dropped while it waits, runs or is
        done, and taken up again when it had failed.
        """
        jobs = Jobs(self._db, self.path)
        taken: list[bool] = []
        with self._write_together():
            for delivery in deliveries:
                known = jobs.get(DELIVERY, delivery.guid)
                news = known is None or known.state in ("failed", "cancelled")
                if news:
                    self._db.execute(PUT, _row(delivery))
                    jobs.put_jobs([job_of(delivery)], now)
                taken.append(news)
        return taken

    def get(self, guid: str) -> Delivery | None:
        """Return a delivery by its guid."""
        return next(
            map(_delivery, self._read_rows("select * from deliveries where guid = ?", guid)), None
        )

    def select_received(self, guids: Iterable[str]) -> set[str]:
        """Return those of the guids that were received."""
        return {guid for guid in guids if self.get(guid) is not None}

    def newest(self) -> float:
        """Return when the last delivery came; 0 when none did."""
        found = self._read_rows("select ifnull(max(received), 0) as at from deliveries")
        return float(found[0]["at"])

    def forget(self, *, bodies_before: float, before: float) -> None:
        """Drop the bodies of deliveries that are done, and later all that is known of them."""
        done = (
            "guid in (select subject from jobs where kind = 'delivery' and state = 'done') "
            "and received < ?"
        )
        with self._write_together():
            self._db.execute(f"update deliveries set body = x'' where {done}", [bodies_before])
            self._db.execute(f"delete from deliveries where {done}", [before])


def job_of(delivery: Delivery) -> NewJob:
    """Return the job of handling a delivery: one after the other for each repository."""
    of = delivery.repository or delivery.installation
    return NewJob(
        queue=INBOX,
        kind=DELIVERY,
        subject=delivery.guid,
        repository=delivery.repository,
        installation=delivery.installation,
        lane=f"inbox:{of}" if of else "",
    )


def _row(delivery: Delivery) -> Row:
    return rows.to_row(delivery, body=zlib.compress(delivery.body, 1))


def _delivery(row: Row) -> Delivery:
    body = zlib.decompress(row["body"]) if row["body"] else b""
    return rows.from_row(row, Delivery, body=body)

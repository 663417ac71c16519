"""The queue and the inbox as the dashboard lists them."""

from __future__ import annotations

from dataclasses import dataclass

from storage.tables import rows
from storage.tables.jobs import Job, QueueCount
from storage.tables.rows import Row
from storage.views.query import Page, ReadOnlyTables, Sight, make_repository_condition, same

MOST_PAYLOAD = 20_000
"""Characters of a payload that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are asked for; what is empty does not matter."""

    queue: str = ""
    kind: str = ""
    state: str = ""
    repository: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in a list, with the name of its repository."""

    job: Job
    name: str
    """``owner/name`` now; empty where it is for none that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """What GitHub told, and how far the service is with it."""

    guid: str
    event: str
    action: str
    received: float
    name: str
    """``owner/name`` of its repository now; empty where it names none that is known."""
    state: str
    """Of the job that handles it; empty once that is forgotten."""
    attempts: int
    error: str


class QueueViews(ReadOnlyTables):
    """Questions about jobs and deliveries; reached as ``store.views.queue``.

    Anybody sees what is for a public repository; all else, what is for none included, may name
    private ones and is the operator's.
    """

    def counts(self, sight: Sight) -> list[QueueCount]:
        """Return how many jobs there are, by queue, kind and state."""
        found = self._ask(
            "select queue, kind, state, count(*) as jobs, min(due) as due from jobs "
            f"where {_make_sight_condition(sight, 'jobs')} group by queue, kind, state "
            "order by queue, kind, state"
        )
        return [QueueCount(**row) for row in found]

    def page(self, sight: Sight, wanted: JobFilter, *, number: int = 1) -> Page[JobLine]:
        """Return jobs: those that run first, then what waits, then what ended last."""
        values = {
            "queue": wanted.queue or None,
            "kind": wanted.kind or None,
            "state": wanted.state or None,
            "repository": wanted.repository or None,
        }
        where = f"where {_make_sight_condition(sight, 'jobs')} {same('jobs', values)}"
        return self._page(
            f"jobs.*, substr(payload, 1, {MOST_PAYLOAD}) as payload, ifnull(name, '') as name",
            f"from jobs left join hosted on hosted.id = jobs.repository {where}",
            "case jobs.state when 'running' then 0 when 'waiting' then 1 else 2 end, "
            "case jobs.state when 'waiting' then due else -max(ended, started) end, jobs.id desc",
            values,
            number=number,
            kind=_line,
            total=f"select count(*) as total from jobs {where}",
        )

    def show(self, sight: Sight, kind: str, subject: str) -> JobLine | None:
        """Return a job; None where there is none, or it may not be seen."""
        found = self._ask(
            "select jobs.*, ifnull(name, '') as name from jobs "
            "left join hosted on hosted.id = jobs.repository "
            f"where kind = :kind and subject = :subject and {_make_sight_condition(sight, 'jobs')}",
            {"kind": kind, "subject": subject},
        )
        return next(map(_line, found), None)

    def deliveries(
        self, sight: Sight, *, event: str = "", state: str = "", number: int = 1
    ) -> Page[DeliveryLine]:
        """Return what GitHub told, the newest first."""
        source = (
            "from deliveries left join jobs on jobs.kind = 'delivery' and jobs.subject = guid "
            "left join hosted on hosted.id = deliveries.repository "
            f"where {_make_sight_condition(sight, 'deliveries')} "
            "and ifnull(:event, event) = event "
            "and ifnull(:state, ifnull(jobs.state, '')) = ifnull(jobs.state, '')"
        )
        return self._page(
            "guid, event, action, received, ifnull(name, '') as name, "
            "ifnull(jobs.state, '') as state, ifnull(attempts, 0) as attempts, "
            "ifnull(error, '') as error",
            source,
            "received desc, guid",
            {"event": event or None, "state": state or None},
            number=number,
            kind=lambda row: rows.from_row(row, DeliveryLine),
        )

    def events(self, sight: Sight) -> list[str]:
        """Return the names of the events that came."""
        found = self._ask(
            "select distinct event from deliveries "
            f"where {_make_sight_condition(sight, 'deliveries')} order by 1"
        )
        return [row["event"] for row in found]


def _make_sight_condition(sight: Sight, table: str) -> str:
    if sight == "operator":
        return "true"
    return f"{table}.repository in (select id from hosted where {make_repository_condition(sight)})"


def _line(row: Row) -> JobLine:
    job = rows.from_row(row, Job, again=bool(row["again"]))
    return JobLine(job=job, name=row["name"])

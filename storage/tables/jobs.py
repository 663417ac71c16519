"""The part of the store that is a queue: what is to be done, and what became of it.

A job is one thing to do, named by kind and subject, and there is one row for each: asked for
again while it waits, it is the same job; while it runs, it runs once more. A job that is claimed
is leased, so that what a killed worker had in hand is taken up by another: at least once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from storage.tables import rows
from storage.tables.rows import Row
from storage.tables.table import Tables

State = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("waiting", "running", "done", "failed", "cancelled")

CANDIDATES = """
    select jobs.* from jobs left join turns
        on turns.queue = jobs.queue and turns.installation = jobs.installation
    where jobs.queue = ?1 and jobs.state = 'waiting' and jobs.due <= ?2
        and (jobs.lane = '' or not exists (
            select 1 from jobs as other where other.lane = jobs.lane and other.state = 'running'))
    order by ifnull(turns.turn, 0), jobs.priority desc, jobs.due, jobs.id limit ?3
"""
TAKE_TURN = """
    insert into turns (queue, installation, turn)
        values (?, ?, (select ifnull(max(turn), 0) + 1 from turns))
        on conflict (queue, installation) do update set turn = excluded.turn
"""
LONGEST_REST = 600.0
LOOKED_AT = 4
"""How many candidates are read for each job that is claimed: some share a lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """Something to do. ``kind`` and ``subject`` together name it."""

    queue: str
    kind: str
    subject: str
    payload: str = "{}"
    """JSON."""
    repository: int = 0
    """GitHub's number of the repository it is for, 0 for none."""
    installation: int = 0
    """The App's installation that it is for: all get their turn."""
    lane: str = ""
    """Jobs of one lane are done one after the other; empty for no such order."""
    priority: int = 0
    """The higher is done first, among those of one installation."""
    due: float = 0.0
    """Seconds since the epoch before which it is not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands. Times are seconds since the epoch, 0 for never."""

    id: int
    queue: str
    kind: str
    subject: str
    payload: str
    repository: int
    installation: int
    lane: str
    priority: int
    state: State
    again: bool
    """Asked for once more while it runs."""
    attempts: int
    due: float
    worker: str
    lease: float
    created: float
    started: float
    ended: float
    note: str
    """What it came to, or how far it is."""
    error: str
    """Why it failed, or was tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """How many jobs of a queue and kind are in a state, and when the first of them is due."""

    queue: str
    kind: str
    state: State
    jobs: int
    due: float


class Jobs(Tables):
    """The queue; reached as ``store.jobs``."""

    def put_jobs(self, jobs: Iterable[NewJob], now: float) -> int:
        """Ask for jobs, and return how many of them are new or were begun anew.

        One that waits takes the newer payload and the earlier time; one that runs will run again;
        one that ended begins anew.
        """
        with self._write_together():
            return sum(self._put_job(job, now) for job in jobs)

    def claim(
        self, queue: str, worker: str, *, now: float, lease: float, most: int = 1
    ) -> list[Job]:
        """Take up to ``most`` jobs that are due, each of another lane, leased for so many seconds.

        Installations take turns: the one served longest ago comes first.
        """
        with self._write_together():
            found = self._read_rows(CANDIDATES, queue, now, most * LOOKED_AT)
            chosen: list[Row] = []
            lanes: set[str] = set()
            for row in found:
                if row["lane"] in lanes or len(chosen) == most:
                    continue
                chosen.append(row)
                lanes |= {row["lane"]} - {""}
            changed = {"state": "running", "worker": worker, "lease": now + lease, "started": now}
            for row in chosen:
                row |= changed | {"attempts": row["attempts"] + 1, "again": 0}
                self._update_job(row["id"], **changed, attempts=row["attempts"], again=0)
            for installation in {row["installation"] for row in chosen}:
                self._db.execute(TAKE_TURN, [queue, installation])
        return [_job(row) for row in chosen]

    def extend(self, job: Job, *, now: float, lease: float, note: str | None = None) -> bool:
        """Hold a job for longer, and say how far it is; False when it is no longer ours to do."""
        with self._write_together():
            if not self._ours(job):
                return False
            said = {} if note is None else {"note": note}
            self._update_job(job.id, lease=now + lease, **said)
            return True

    def finish(self, job: Job, *, now: float, note: str = "") -> bool:
        """End a job that was done; False, and nothing changes, when it is no longer ours.

        Asked for again meanwhile, it waits once more.
        """
        with self._write_together():
            if not self._ours(job):
                return False
            again = self._read_rows("select again from jobs where id = ?", job.id)[0]["again"]
            state = {"state": "waiting", "due": now, "attempts": 0} if again else {"state": "done"}
            self._update_job(job.id, **state, again=0, worker="", ended=now, note=note, error="")
            return True

    def fail(self, job: Job, error: str, *, now: float, retry_in: float | None) -> bool:
        """Have a job tried again in so many seconds; never, by itself, when that is None."""
        with self._write_together():
            if not self._ours(job):
                return False
            again = self._read_rows("select again from jobs where id = ?", job.id)[0]["again"]
            if retry_in is None and not again:
                state: Row = {"state": "failed", "ended": now}
            else:
                state = {"state": "waiting", "due": now + (retry_in or 0.0)}
                if retry_in is None:
                    state["attempts"] = 0
            self._update_job(job.id, **state, again=0, worker="", error=error)
            return True

    def release(self, job: Job, *, now: float) -> bool:
        """Put a job back untried: its worker stops."""
        with self._write_together():
            if not self._ours(job):
                return False
            self._update_job(job.id, state="waiting", due=now, worker="", attempts=job.attempts - 1)
            return True

    def expire(self, *, now: float, most: int, worker: str = "") -> list[Job]:
        """Take jobs from workers that no longer hold them, and return those jobs.

        Those whose lease is over, and all of the workers whose name begins with ``worker``. What
        has been begun ``most`` times is failed: it may be what kills them.
        """
        with self._write_together():
            found = self._read_rows(
                "select * from jobs where state = 'running' and "
                "(lease < ?1 or (?2 != '' and substr(worker, 1, length(?2)) = ?2)) order by id",
                now,
                worker,
            )
            for row in found:
                lost = row["attempts"] >= most
                state: Row = {"state": "failed", "ended": now} if lost else {"state": "waiting"}
                error = f"its worker ended {row['attempts']} times before it was done"
                due = now + rest(row["attempts"])
                self._update_job(row["id"], **state, due=due, worker="", error=error)
        return [_job(row) for row in found]

    def cancel(
        self,
        repository: int,
        *,
        now: float,
        queues: Sequence[str],
        why: str,
        subject: str | None = None,
    ) -> list[Job]:
        """Cancel what waits or runs for a repository, of one subject if named; return it.

        Who runs one learns of it by ``extend`` or ``finish``.
        """
        marks = ", ".join("?" for _ in queues)
        with self._write_together():
            found = self._read_rows(
                "select * from jobs where repository = ? and state in ('waiting', 'running') "
                f"and subject = ifnull(?, subject) and queue in ({marks})",
                repository,
                subject,
                *queues,
            )
            for row in found:
                self._update_job(
                    row["id"], state="cancelled", again=0, worker="", ended=now, note=why
                )
        return [_job(row) for row in found]

    def cancel_one(self, job_id: int, *, now: float, why: str) -> bool:
        """Cancel one job that waits or runs; False when there is no such job."""
        with self._write_together():
            found = self._read_rows(
                "select id from jobs where id = ? and state in ('waiting', 'running')", job_id
            )
            for row in found:
                self._update_job(
                    row["id"], state="cancelled", again=0, worker="", ended=now, note=why
                )
        return bool(found)

    def retry(self, job_id: int, *, now: float) -> bool:
        """Begin a job anew that failed or was cancelled; False when there is no such job."""
        with self._write_together():
            found = self._read_rows(
                "select id from jobs where id = ? and state in ('failed', 'cancelled')", job_id
            )
            for row in found:
                self._update_job(row["id"], state="waiting", due=now, attempts=0, error="", again=0)
        return bool(found)

    def get(self, kind: str, subject: str) -> Job | None:
        """Return the job of that name."""
        query = "select * from jobs where kind = ? and subject = ?"
        return next(map(_job, self._read_rows(query, kind, subject)), None)

    def all(
        self,
        *,
        queue: str | None = None,
        state: State | None = None,
        repository: int | None = None,
        most: int = 100,
        skip: int = 0,
    ) -> list[Job]:
        """Return the jobs asked for, the newest first."""
        found = self._read_rows(
            "select * from jobs where queue = ifnull(?, queue) and state = ifnull(?, state) "
            "and repository = ifnull(?, repository) order by id desc limit ? offset ?",
            queue,
            state,
            repository,
            most,
            skip,
        )
        return [_job(row) for row in found]

    def counts(self) -> list[QueueCount]:
        """Return how many jobs there are, by queue, kind and state."""
        found = self._read_rows(
            "select queue, kind, state, count(*) as jobs, min(due) as due from jobs "
            "group by queue, kind, state order by queue, kind, state"
        )
        return [QueueCount(**row) for row in found]

    def prune(self, *, queue: str, before: float) -> int:
        """Forget the jobs of a queue that were done before then, and return how many."""
        with self._write_together():
            ended = "queue = ? and state in ('done', 'cancelled') and ended < ?"
            found = self._read_rows(
                f"select count(*) as jobs from jobs where {ended}", queue, before
            )
            self._db.execute(f"delete from jobs where {ended}", [queue, before])
        return int(found[0]["jobs"])

    def _put_job(self, job: NewJob, now: float) -> bool:
        known = self.get(job.kind, job.subject)
        due = max(job.due, now)
        if known is None:
            row = rows.to_row(job, due=due, state="waiting", created=now, **BLANK)
            columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            self._db.execute(f"insert into jobs ({columns}) values ({values})", row)
            return True
        changed: Row = {"payload": job.payload, "priority": max(job.priority, known.priority)}
        if known.state == "running":
            self._update_job(known.id, **changed, again=1)
            return False
        if known.state == "waiting":
            self._update_job(known.id, **changed, due=min(due, known.due))
            return False
        fresh: Row = {"state": "waiting", "due": due, "attempts": 0, "error": "", "created": now}
        fresh |= {"repository": job.repository, "installation": job.installation, "lane": job.lane}
        self._update_job(known.id, **changed | fresh)
        return True

    def _ours(self, job: Job) -> bool:
        query = (
            "select 1 from jobs where id = ? and state = 'running' and worker = ? and attempts = ?"
        )
        return bool(self._read_rows(query, job.id, job.worker, job.attempts))

    def _update_job(self, job_id: int, **columns: object) -> None:
        # Not by sqlite-utils, which looks the table up each time: half of what a job costs.
        named = ", ".join(f"{name} = :{name}" for name in columns)
        self._db.execute(f"update jobs set {named} where id = :id", {**columns, "id": job_id})


def rest(deaths: int) -> float:
    """Return the seconds for which a job rests whose worker died so often."""
    return 0.0 if deaths < 3 else min(LONGEST_REST, 5.0 * 2 ** min(deaths - 3, 20))


BLANK: Row = {
    "again": 0,
    "attempts": 0,
    "worker": "",
    "lease": 0.0,
    "started": 0.0,
    "ended": 0.0,
    "note": "",
    "error": "",
}


def _job(row: Row) -> Job:
    return rows.from_row(row, Job, again=bool(row["again"]))

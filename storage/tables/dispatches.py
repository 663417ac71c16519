"""The part of the store that holds batches which were sent to be judged elsewhere, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from storage.records import Dispatch, MinuteLimit
from storage.tables import rows
from storage.tables.table import Tables

ACTIONS = "actions:"
"""Begins the name of a place that is a repository on GitHub."""


class Dispatches(Tables):
    """Keeps what was sent, before it is sent; reached as ``store.dispatches``."""

    def intend(self, dispatch: Dispatch) -> MinuteLimit | None:
        """Keep a batch that is about to be sent, and set aside the minutes that it is to take.

        One that is kept already stays as it is. Returns the limit that it would pass, and keeps
        nothing then.
        """
        with self._write_together():
            if self._read_rows("select 1 from dispatches where plan = ?", dispatch.plan):
                return None
            for limit in self._limits(dispatch):
                if self._sum_minutes(limit) + dispatch.expected > limit.minutes:
                    return limit
            self._put_row("dispatches", rows.to_row(dispatch))
        return None

    def set_dispatch(self, dispatch: Dispatch) -> None:
        """Keep what is known of a batch by now."""
        with self._write_together():
            self._put_row("dispatches", rows.to_row(dispatch))

    def get(self, plan: str) -> Dispatch | None:
        """Return a batch by the id of its plan."""
        found = self._read_rows("select * from dispatches where plan = ?", plan)
        return next((rows.from_row(row, Dispatch) for row in found), None)

    def of_run(self, run: str) -> Dispatch | None:
        """Return the batch that a run of GitHub Actions judges, by its number there."""
        query = "select * from dispatches where run = ? and place like ?"
        found = self._read_rows(query, run, f"{ACTIONS}%")
        return next((rows.from_row(row, Dispatch) for row in found), None)

    def end(self, plan: str, why: str) -> None:
        """Mark a batch as ended of which nothing more can be known."""
        with self._write_together():
            known = self._read_rows("select * from dispatches where plan = ?", plan)
            for row in known:
                ended = replace(rows.from_row(row, Dispatch), state="ended", detail=why)
                self._put_row("dispatches", rows.to_row(ended))

    def open(self, environment: str | None = None) -> list[Dispatch]:
        """Return those of which not all is known, the oldest first; of one environment, or all."""
        query = (
            "select * from dispatches where state in ('planned', 'put', 'dispatched') "
            "and environment = ifnull(?, environment) order by rowid"
        )
        return [rows.from_row(row, Dispatch) for row in self._read_rows(query, environment)]

    def all(self) -> list[Dispatch]:
        """Return all, the oldest first."""
        found = self._read_rows("select * from dispatches order by rowid")
        return [rows.from_row(row, Dispatch) for row in found]

    def set_limit(self, limit: MinuteLimit) -> None:
        """Limit the minutes of a repository or of every month; below 0 takes the limit away."""
        with self._write_together():
            if limit.minutes < 0:
                key = [limit.scope, limit.of]
                self._db.execute("delete from minute_limits where scope = ? and of = ?", key)
            else:
                self._put_row("minute_limits", rows.to_row(limit))

    def limits(self) -> list[MinuteLimit]:
        """Return all limits."""
        found = self._read_rows("select * from minute_limits order by scope, of")
        return [rows.from_row(row, MinuteLimit) for row in found]

    def sum_minutes(self, limit: MinuteLimit) -> float:
        """Return the minutes that count against a limit, those of runs under way as expected."""
        return self._sum_minutes(limit)

    def _limits(self, dispatch: Dispatch) -> Sequence[MinuteLimit]:
        """The limits that hold for a batch, each as that of its repository or month."""
        mine = {"month": dispatch.created[:7], "repository": dispatch.repository}
        return [
            replace(limit, of=mine[limit.scope])
            for limit in self.limits()
            if limit.of in ("", mine[limit.scope])
        ]

    def _sum_minutes(self, limit: MinuteLimit) -> float:
        month = limit.of or datetime.now(UTC).isoformat()[:7]
        column, value = (
            ("substr(created, 1, 7)", month) if limit.scope == "month" else ("repository", limit.of)
        )
        query = (
            "select ifnull(sum(case when state = 'ended' then used else max(used, expected) end), "
            f"0) as minutes from dispatches where {column} = ?"
        )
        return float(self._read_rows(query, value)[0]["minutes"])

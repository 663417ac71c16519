"""The part of the store that holds calls to a language model, and what they may still cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import Hold, Limit, ModelCall
from storage.tables import rows
from storage.tables.rows import Row
from storage.tables.table import Tables

SPENT = """
    select ifnull(sum(dollars), 0) as dollars from (
        select dollars from model_calls where {0} union all
        select dollars from model_holds where {0}
    )
"""
SCOPES = {"run": "run = ?1", "repository": "repository = ?1", "month": "substr(created, 1, 7) = ?1"}
SUMS = """
    select purpose, strategy, repository, model, count(*) as calls, sum(dollars) as dollars,
        sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(cache_read_tokens) as cache_read_tokens, sum(seconds) as seconds
    from model_calls group by purpose, strategy, repository, model
    order by strategy, purpose, repository, model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What the calls of one purpose, strategy, repository and model came to."""

    purpose: str
    strategy: str
    repository: str
    model: str
    calls: int
    dollars: float
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int
    seconds: float


class ModelCalls(Tables):
    """Keeps calls by what was asked; reached as ``store.calls``.

    Dollars are set aside here and not in memory, so that no limit is passed whatever other
    processes do, and so that what a killed run had under way still counts.
    """

    def get(self, key: str) -> ModelCall | None:
        """Return the call that asked just this."""
        found = self._read_rows("select * from model_calls where key = ?", key)
        return next((rows.from_row(row, ModelCall) for row in found), None)

    def sum_dollars(self, limit: Limit) -> float:
        """Return the dollars that a limit's calls cost, with those set aside."""
        found = self._read_rows(SPENT.format(SCOPES[limit.scope]), limit.of)
        return float(found[0]["dollars"])

    def hold(self, hold: Hold, limits: Sequence[Limit]) -> Limit | None:
        """Set dollars aside; return None, or the limit that does not allow it."""
        with self._write_together():
            return self.place(hold, limits)

    def place(self, hold: Hold, limits: Sequence[Limit]) -> Limit | None:
        """Do what ``hold`` does, inside a transaction that is under way.

        Limits of other runs, repositories and months do not matter.
        """
        of = {"run": hold.run, "repository": hold.repository, "month": hold.created[:7]}
        for limit in limits:
            applies = of[limit.scope] == limit.of
            if applies and self.sum_dollars(limit) + hold.dollars > limit.dollars:
                return limit
        self._put_row("model_holds", rows.to_row(hold), replace=False)
        return None

    def settle(self, hold: str, call: ModelCall) -> None:
        """Keep a call, in the place of the dollars that were set aside for it.

        When the same was asked twice at once, the second answer's price stays as a hold.
        """
        with self._write_together():
            self.put_call(hold, call)

    def put_call(self, hold: str, call: ModelCall) -> None:
        """Do what ``settle`` does, inside a transaction that is under way."""
        if self.get(call.key) is None:
            self._put_row("model_calls", rows.to_row(call), replace=False)
            self._db.execute("delete from model_holds where id = ?", [hold])
        else:
            dollars = [call.dollars, hold]
            self._db.execute("update model_holds set dollars = ? where id = ?", dollars)

    def release(self, hold: str) -> None:
        """Set dollars free: the call was not made, or cost nothing."""
        with self._write_together():
            self._db.execute("delete from model_holds where id = ?", [hold])

    def holds(self) -> list[Hold]:
        """Return what is set aside, the oldest first; that of open batches left out."""
        query = (
            "select * from model_holds where id not in "
            "(select hold from batched_requests where outcome = '') order by created, id"
        )
        return [rows.from_row(row, Hold) for row in self._read_rows(query)]

    def sums(self) -> list[CostLine]:
        """Return what the calls came to, by what they were for."""
        return [_line(row) for row in self._read_rows(SUMS)]


def _line(row: Row) -> CostLine:
    return CostLine(**row)

"""The part of the store that holds calls to a language model which are sent together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from storage.records import BatchedRequest, Hold, Limit, ModelBatch, ModelCall
from storage.tables import rows
from storage.tables.calls import ModelCalls
from storage.tables.rows import Row
from storage.tables.table import Tables


class Batches(Tables):
    """Keeps what is sent together, before it is sent; reached as ``store.batches``."""

    def intend(
        self,
        batch: ModelBatch,
        requests: Iterable[tuple[BatchedRequest, Hold]],
        limits: Sequence[Limit],
    ) -> tuple[ModelBatch, Limit | None]:
        """Keep a batch that is about to be sent, and set aside what it can cost, all or nothing.

        Return it with those requests that the limits allow, and the limit that was met first.
        """
        calls = ModelCalls(self._db, self.path)
        taken: list[BatchedRequest] = []
        met: Limit | None = None
        with self._write_together():
            for request, hold in requests:
                passed = calls.place(hold, limits)
                if passed is None:
                    taken.append(request)
                else:
                    met = met or passed
            if taken:
                row = rows.to_row(replace(batch, requests=()), rejected=rows.to_json([]))
                del row["requests"]
                self._put_row("model_batches", row)
            for request in taken:
                self._put_row("batched_requests", rows.to_row(request, batch=batch.id))
        return replace(batch, requests=tuple(taken)), met

    def record_name(self, batch: str, name: str, rejected: Sequence[str] = ()) -> None:
        """Keep the name that the service gave a batch, and the names that proved wrong."""
        with self._write_together():
            changed = {"id": batch, "name": name, "rejected": rows.to_json(list(rejected))}
            self._put_row("model_batches", changed)

    def forget(self, batch: ModelBatch) -> None:
        """Drop a batch that never reached the service, and set its dollars free."""
        with self._write_together():
            for request in batch.requests:
                self._db.execute("delete from model_holds where id = ?", [request.hold])
            self._db.execute("delete from batched_requests where batch = ?", [batch.id])
            self._db.execute("delete from model_batches where id = ?", [batch.id])

    def record_results(
        self,
        batch: ModelBatch,
        came: Iterable[tuple[BatchedRequest, ModelCall | None]],
    ) -> None:
        """Keep what came of the requests, all or nothing.

        Those with a call are paid, the others cost nothing, but for what is ``lost``.
        """
        calls = ModelCalls(self._db, self.path)
        with self._write_together():
            for request, call in came:
                if call is not None:
                    calls.put_call(request.hold, call)
                elif request.outcome != "lost":
                    self._db.execute("delete from model_holds where id = ?", [request.hold])
                self._put_row("batched_requests", rows.to_row(request, batch=batch.id))

    def open(self) -> list[ModelBatch]:
        """Return the batches of which not every result is known, the oldest first."""
        query = (
            "select * from model_batches where id in "
            "(select batch from batched_requests where outcome = '') order by created, id"
        )
        return [self._batch(row) for row in self._read_rows(query)]

    def names(self) -> set[str]:
        """Return the names of all batches that are ours."""
        found = self._read_rows("select name from model_batches where name != ''")
        return {row["name"] for row in found}

    def request(self, key: str) -> BatchedRequest | None:
        """Return what was last made of a request in a batch."""
        query = "select * from batched_requests where key = ? order by created desc, rowid desc"
        found = self._read_rows(f"{query} limit 1", key)
        return next((rows.from_row(row, BatchedRequest) for row in found), None)

    def _batch(self, row: Row) -> ModelBatch:
        query = "select * from batched_requests where batch = ? order by rowid"
        requests = [
            rows.from_row(each, BatchedRequest) for each in self._read_rows(query, row["id"])
        ]
        rejected = rows.from_json(row["rejected"], tuple[str, ...])
        return rows.from_row(row, ModelBatch, rejected=rejected, requests=tuple(requests))

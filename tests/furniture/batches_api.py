"""The batch API beside the Messages API: batches end after so many looks, in no order."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.furniture.messages_api import Scripted, Service, error_body, failed, refusal, serving

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass
class Batch:
    """What was submitted, and the results once it has ended."""

    id: str
    created: datetime
    requests: list[dict[str, Any]]
    looks: int
    results: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False
    canceling: bool = False


@dataclass
class BatchService(Service):
    """The Messages API with batches."""

    looks: int = 1
    """How often a batch is looked at before it has ended."""
    after_effect: list[Any] = field(default_factory=list)
    """How the next submissions are answered once they were taken: a status, or ``drop``."""
    batches: dict[str, Batch] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Names of batches whose results are no longer kept."""

    def route(self, app: web.Application, base: Callable[[], str]) -> None:
        self._base = base
        path = "/v1/messages/batches"
        app.router.add_post(path, self.create)
        app.router.add_get(path, self.list)
        app.router.add_get(f"{path}/{{id}}", self.retrieve)
        app.router.add_get(f"{path}/{{id}}/results", self.give_results)
        app.router.add_post(f"{path}/{{id}}/cancel", self.cancel)

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        ids = [each["custom_id"] for each in body["requests"]]
        if not ids or len(set(ids)) < len(ids) or not all(map(CUSTOM_ID.fullmatch, ids)):
            return failed(400, "requests: custom_id must be unique")
        batch = self.add(body["requests"])
        fault = self.after_effect.pop(0) if self.after_effect else None
        if fault == "drop":
            assert request.transport is not None
            request.transport.close()
        return failed(fault, "scripted") if isinstance(fault, int) else self.shown(batch)

    def add(self, requests: list[dict[str, Any]]) -> Batch:
        """Take a batch; the newest is the last."""
        name = f"msgbatch_{len(self.batches) + 1}"
        created = datetime.fromtimestamp(self.clock(), UTC)
        self.batches[name] = Batch(name, created, requests, self.looks)
        return self.batches[name]

    async def list(self, request: web.Request) -> web.Response:
        newest = list(reversed(self.batches.values()))
        after = request.query.get("after_id")
        if after:
            newest = newest[[batch.id for batch in newest].index(after) + 1 :]
        page = newest[: int(request.query.get("limit", "20"))]
        body = {
            "data": [self.described(batch) for batch in page],
            "has_more": len(page) < len(newest),
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
        return web.json_response(body)

    async def retrieve(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return failed(404, "no such batch")
        batch.looks -= 1
        if batch.looks < 0 or batch.canceling:
            self.finish(batch)
        return self.shown(batch)

    async def give_results(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        if not batch.ended or batch.id in self.gone:
            return failed(404, "no results")
        lines = "".join(json.dumps(result) + "\n" for result in reversed(batch.results))
        return web.Response(text=lines, content_type="application/x-jsonl")

    async def cancel(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        batch.canceling = True
        return self.shown(batch)

    def finish(self, batch: Batch) -> None:
        """Work on the requests of a batch, as the script says."""
        if batch.ended:
            return
        from anthropic.types.messages import MessageBatchIndividualResponse

        batch.ended = True
        for each in batch.requests:
            result = self.result(each["params"], batch)
            response = {"custom_id": each["custom_id"], "result": result}
            MessageBatchIndividualResponse.model_validate(response)
            batch.results.append(response)

    def result(self, body: dict[str, Any], batch: Batch) -> dict[str, Any]:
        """What comes of one request."""
        if batch.canceling:
            return {"type": "canceled"}
        self.asked.append(body)
        script = self.next(body)
        if wrong := refusal(body):
            script = Scripted(status=400, content=wrong)
        if script.status != 200:
            return {"type": "errored", "error": error_body(script.status, str(script.content))}
        if script.outcome != "succeeded":
            return {"type": script.outcome}
        usage, begun = self.cache.look_up(body)
        begun()
        return {"type": "succeeded", "message": self.message(body, script, usage, "batch")}

    def shown(self, batch: Batch) -> web.Response:
        return web.json_response(self.described(batch))

    def described(self, batch: Batch) -> dict[str, Any]:
        """A batch as the API gives it."""
        kinds = [result["result"]["type"] for result in batch.results]
        counts = {
            kind: kinds.count(kind) for kind in ("succeeded", "errored", "canceled", "expired")
        }
        status = "ended" if batch.ended else "canceling" if batch.canceling else "in_progress"
        url = f"{self._base().rstrip('/')}/v1/messages/batches/{batch.id}/results"
        body: Mapping[str, Any] = {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {"processing": len(batch.requests) - len(kinds), **counts},
            "created_at": batch.created.isoformat(),
            "expires_at": (batch.created + timedelta(hours=24)).isoformat(),
            "ended_at": batch.created.isoformat() if batch.ended else None,
            "archived_at": None,
            "cancel_initiated_at": batch.created.isoformat() if batch.canceling else None,
            "results_url": url if batch.ended else None,
        }
        from anthropic.types.messages import MessageBatch

        MessageBatch.model_validate(body)
        return dict(body)


@asynccontextmanager
async def batches_api(*answers: Any, **options: Any) -> AsyncIterator[BatchService]:
    """A server with these answers, in order, and an SDK client that talks to it."""
    service = BatchService(answers=list(answers), **options)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/v1/messages", service.messages)
    service.route(app, lambda: str(service.client.base_url) if service.client else "")
    async with serving(app, service):
        yield service

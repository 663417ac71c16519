"""The queue, its dead letters, one job's page, and what GitHub told."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.service.pages import filters
from bot.service.pages.board import BOARD, sight_of
from bot.service.pages.renderer import render
from storage.store import Store
from storage.tables.jobs import STATES, QueueCount
from storage.views.queue import JobFilter

LONGEST_PAYLOAD = 20_000


async def show_queue(request: web.Request) -> web.Response:
    """Show the queue."""
    sight, number = sight_of(request), filters.page(request)
    wanted = JobFilter(
        queue=filters.text(request, "queue"),
        kind=filters.text(request, "kind"),
        state=filters.one_of(request, "state", STATES, ""),
        repository=_repository(request),
    )

    def ask(store: Store) -> dict[str, Any]:
        views = store.views.queue
        found = views.page(sight, wanted, number=number)
        return {"found": found, "table": table(views.counts(sight))}

    values = await request.app[BOARD].ask(ask)
    return render(request, "queue.html", wanted=wanted, states=STATES, **values)


async def show_job(request: web.Request) -> web.Response:
    """Show a job."""
    sight = sight_of(request)
    kind, subject = request.match_info["kind"], request.match_info["subject"]
    line = await request.app[BOARD].ask(lambda s: s.views.queue.show(sight, kind, subject))
    if line is None:
        raise web.HTTPNotFound
    payload = pretty(line.job.payload)
    return render(request, "job.html", line=line, payload=payload, longest=LONGEST_PAYLOAD)


async def show_deliveries(request: web.Request) -> web.Response:
    """Show what GitHub told."""
    sight, number = sight_of(request), filters.page(request)
    event = filters.text(request, "event")
    state = filters.one_of(request, "state", STATES, "")

    def ask(store: Store) -> dict[str, Any]:
        views = store.views.queue
        found = views.deliveries(sight, event=event, state=state, number=number)
        return {"found": found, "events": views.events(sight)}

    values = await request.app[BOARD].ask(ask)
    return render(request, "deliveries.html", event=event, state=state, states=STATES, **values)


def table(counts: list[QueueCount]) -> list[tuple[str, str, dict[str, int]]]:
    """Return queue, kind and number of jobs by state."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in counts:
        found.setdefault((each.queue, each.kind), {})[each.state] = each.jobs
    return [(queue, kind, states) for (queue, kind), states in found.items()]


def pretty(payload: str) -> str:
    """Return JSON as people read it; what is none as it is."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload


def _repository(request: web.Request) -> int:
    given = request.query.get("repository", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0

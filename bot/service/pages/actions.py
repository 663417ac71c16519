"""What the operator can do: each a form that is posted, with a session and what proves it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from bot.service.pages.board import BOARD, checked_form
from bot.service.repositories.plan import STAGES, URGENT, stage_job
from bot.service.repositories.withdrawal import let_in, withdraw
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

log = logging.getLogger(__name__)

CANCELLED = "cancelled by the operator"

Change = Callable[[Store], bool]


async def retry(request: web.Request) -> web.Response:
    """Begin a job anew that failed or was cancelled."""
    return await _with_job(request, "retried", lambda s, number, now: s.jobs.retry(number, now=now))


async def cancel(request: web.Request) -> web.Response:
    """Cancel a job that waits or runs."""
    return await _with_job(
        request,
        "cancelled",
        lambda s, number, now: s.jobs.cancel_one(number, now=now, why=CANCELLED),
    )


async def rebuild(request: web.Request) -> web.Response:
    """Ask for a new environment now."""
    now = request.app[BOARD].clock()

    def change(store: Store, hosted: Hosted) -> bool:
        job = stage_job(hosted, STAGES[0], priority=URGENT, force=True)
        return _ask_for_job(store, hosted, job, now)

    return await _with_repository(request, "rebuild", change)


async def stage(request: web.Request) -> web.Response:
    """Ask for one stage again."""
    _, form = await checked_form(request)
    name, now = form.get("stage", ""), request.app[BOARD].clock()
    if name not in STAGES:
        raise web.HTTPNotFound

    def change(store: Store, hosted: Hosted) -> bool:
        job = stage_job(hosted, name, priority=URGENT, alone=True)
        return _ask_for_job(store, hosted, job, now)

    return await _with_repository(request, f"stage {name}", change)


async def opt_out(request: web.Request) -> web.Response:
    """Opt a repository out: its work stops, its tasks are withdrawn."""
    now = request.app[BOARD].clock()

    def change(store: Store, hosted: Hosted) -> bool:
        withdraw(store, hosted, now=now)
        return True

    return await _with_repository(request, "opted out", change)


async def allow(request: web.Request) -> web.Response:
    """Let a repository's label decide again, where the operator had opted it out."""
    now = request.app[BOARD].clock()

    def change(store: Store, hosted: Hosted) -> bool:
        return let_in(store, hosted, now=now)

    return await _with_repository(request, "allowed", change)


def _ask_for_job(store: Store, hosted: Hosted, job: NewJob, now: float) -> bool:
    """Ask for a job; never for a repository that is not opted in."""
    if hosted.opted_in:
        store.jobs.put_jobs([job], now)
    return hosted.opted_in


async def _with_job(
    request: web.Request, done: str, change: Callable[[Store, int, float], bool]
) -> web.Response:
    await checked_form(request)
    board = request.app[BOARD]
    kind, subject = request.match_info["kind"], request.match_info["subject"]

    def write(store: Store) -> bool | None:
        job = store.jobs.get(kind, subject)
        return change(store, job.id, board.clock()) if job else None

    changed = await board.writing(write)
    log.info("operator job=%s subject=%s %s=%s", kind, subject, done, changed)
    return _back(request, changed, request.rel_url.raw_path.rpartition("/")[0])


async def _with_repository(
    request: web.Request, done: str, change: Callable[[Store, Hosted], bool]
) -> web.Response:
    await checked_form(request)
    name = f"{request.match_info['owner']}/{request.match_info['name']}"

    def write(store: Store) -> bool | None:
        hosted = store.hosted.find_by_name(name)
        return change(store, hosted) if hosted else None

    changed = await request.app[BOARD].writing(write)
    log.info("operator repository=%s %s=%s", name, done, changed)
    return _back(request, changed, "/".join(request.rel_url.raw_path.split("/")[:4]))


def _back(request: web.Request, changed: bool | None, page: str) -> web.Response:
    """Send the operator back to the page; None is for what is not there at all."""
    if changed is None:
        raise web.HTTPNotFound
    return web.Response(status=303, headers={"Location": page})

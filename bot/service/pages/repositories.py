"""The list of repositories, and one repository's page."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.service.pages import filters
from bot.service.pages.board import BOARD, sight_of
from bot.service.pages.renderer import render
from bot.service.repositories.optin import BY_OPERATOR
from bot.service.repositories.plan import STAGES
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.views.bugs import BugFilter
from storage.views.query import Sight
from storage.views.queue import JobFilter
from storage.views.repositories import WHICH

SHOWN_JOBS = 12
GAPS = BugFilter(reason="no-test-failed", mode="full")
"""Bugs that no test noticed in a full run."""


async def show_repositories(request: web.Request) -> web.Response:
    """Show the repositories."""
    sight = sight_of(request)
    text, number = filters.text(request, "q"), filters.page(request)
    which = filters.one_of(request, "show", WHICH, "all")

    def ask(store: Store) -> dict[str, Any]:
        views = store.views.repositories
        found = views.page(sight, text=text, which=which, number=number)
        return {"found": found, "any": bool(found.total or views.count_repositories(sight))}

    values = await request.app[BOARD].ask(ask)
    return render(request, "repositories.html", text=text, which=which, **values)


async def show_repository(request: web.Request) -> web.Response:
    """Show a repository."""
    sight = sight_of(request)
    name = f"{request.match_info['owner']}/{request.match_info['name']}"
    wanted = _read_filter(request)
    numbers = {part: filters.page(request, part) for part in ("page", "pulls", "gaps")}
    outcome = filters.text(request, "outcome")

    def ask(store: Store) -> dict[str, Any] | None:
        hosted = store.views.repositories.find_by_name(sight, name)
        return _gather_values(store, sight, hosted, wanted, outcome, numbers) if hosted else None

    values = await request.app[BOARD].ask(ask)
    if values is None:
        raise web.HTTPNotFound
    return render(
        request,
        "repository.html",
        wanted=wanted,
        nothing=BugFilter(),
        outcome=outcome,
        stages=STAGES,
        by_operator=BY_OPERATOR,
        **values,
    )


def _read_filter(request: web.Request) -> BugFilter:
    names = ("strategy", "operator", "reason", "mode", "file", "text")
    return BugFilter(**{name: filters.text(request, name) for name in names})


def _gather_values(
    store: Store,
    sight: Sight,
    hosted: Hosted,
    bug_filter: BugFilter,
    outcome: str,
    numbers: dict[str, int],
) -> dict[str, Any]:
    views = store.views
    jobs = views.queue.page(sight, JobFilter(repository=hosted.id))
    return {
        "line": views.repositories.line(sight, hosted),
        "built": views.repositories.get_environment(sight, hosted),
        "jobs": jobs.rows[:SHOWN_JOBS],
        "more_jobs": max(0, jobs.total - SHOWN_JOBS),
        "choices": views.bugs.choices(sight, hosted.id),
        "bugs": views.bugs.page(sight, hosted.id, bug_filter, number=numbers["page"]),
        "gaps": views.bugs.page(sight, hosted.id, GAPS, number=numbers["gaps"], tree=hosted.tree),
        "pulls": views.pulls.page(sight, hosted, outcome=outcome, number=numbers["pulls"]),
        "outcomes": views.pulls.outcomes(sight, hosted),
    }

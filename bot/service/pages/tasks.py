"""The list of tasks, a task's page, and that of a bug that made none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.service.pages import filters
from bot.service.pages.board import BOARD, sight_of
from bot.service.pages.diffs import Diff, read_diff
from bot.service.pages.renderer import render
from storage.records import Environment, Repository, Task
from storage.store import Store
from storage.views.bugs import BugShown, VerdictShown
from storage.views.query import Sight
from storage.views.tasks import TaskFilter, Undone

LONGEST_TEXT = 50_000
"""Characters of a statement or hint that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugPage:
    """What the page of a bug or task shows."""

    shown: BugShown
    task: Task | None
    verdict: VerdictShown | None
    """The one that counts: in the task's environment, or the one given last."""
    environment: Environment | None
    repository: Repository | None
    undone: tuple[Undone, ...]


async def show_tasks(request: web.Request) -> web.Response:
    """Show the tasks."""
    sight = sight_of(request)
    names = ("repository", "strategy", "operator", "text")
    wanted = TaskFilter(**{name: filters.text(request, name) for name in names})
    number = filters.page(request)

    def ask(store: Store) -> dict[str, Any]:
        views = store.views.tasks
        found = views.page(sight, wanted, number=number)
        return {"found": found, "operators": views.operators(sight)}

    values = await request.app[BOARD].ask(ask)
    return render(request, "tasks.html", wanted=wanted, nothing=TaskFilter(), **values)


async def show_task(request: web.Request) -> web.Response:
    """Show a task."""
    sight, task_id = sight_of(request), request.match_info["id"]

    def ask(store: Store) -> BugPage | None:
        found = store.views.tasks.show(sight, task_id)
        return _find_bug(store, sight, found.bug, found) if found else None

    return _page(request, await request.app[BOARD].ask(ask))


async def show_bug(request: web.Request) -> web.Response:
    """Show a bug."""
    sight, bug_id = sight_of(request), request.match_info["id"]
    return _page(request, await request.app[BOARD].ask(lambda s: _find_bug(s, sight, bug_id, None)))


def _find_bug(store: Store, sight: Sight, bug_id: str, task: Task | None) -> BugPage | None:
    shown = store.views.bugs.show(sight, bug_id)
    if shown is None:
        return None
    verdict = next(
        (v for v in shown.verdicts if task is None or v.environment == task.environment), None
    )
    environment = store.environment(verdict.environment) if verdict else None
    return BugPage(
        shown=shown,
        task=task,
        verdict=verdict,
        environment=environment,
        repository=store.views.tasks.repository(shown.bug.tree),
        undone=tuple(store.views.tasks.list_undone_pulls(sight, bug_id)),
    )


def _page(request: web.Request, found: BugPage | None) -> web.Response:
    if found is None:
        raise web.HTTPNotFound
    fixes = [(each, read_diff(each.mirroring.fix)) for each in found.undone if each.mirroring.fix]
    tests: Diff | None = None
    if found.task and found.task.test_patch:
        tests = read_diff(found.task.test_patch)
    return render(
        request,
        "bug.html",
        found=found,
        diff=read_diff(found.shown.bug.patch),
        fixes=fixes,
        hidden_tests=tests,
        longest=LONGEST_TEXT,
    )

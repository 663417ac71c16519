"""REST: who put which label on an issue or pull request, and when."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.describing import user
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Reply, paged, route
from tests.furniture.github_world.rest_threads import thread_of
from tests.furniture.github_world.state import Issue, Labelling
from tests.furniture.github_world.view import View


@route(
    "GET",
    "/repos/{owner}/{repo}/issues/{issue_number}/events",
    needs="issues:read|pull_requests:read",
)
def events(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    path = f"/repos/{found.repository.full_name}/issues/{found.number}/events"
    return paged(view, operation, found.labellings, path, lambda one: described(view, found, one))


def described(view: View, issue: Issue, one: Labelling) -> dict[str, Any]:
    """Return an event. One whose actor's account was deleted has none."""
    return {
        "id": one.id,
        "node_id": one.node,
        "url": f"{view.world.api}/repos/{issue.repository.full_name}/issues/events/{one.id}",
        "actor": user(view, one.actor) if one.actor else None,
        "event": one.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": one.created,
        "performed_via_github_app": None,
        "label": {"name": one.label, "color": one.color},
    }

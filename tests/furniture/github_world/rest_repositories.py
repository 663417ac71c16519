"""REST: repositories."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.describing import own
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Reply, named, repository_of, route
from tests.furniture.github_world.state import Repository
from tests.furniture.github_world.view import ROLES, View

RIGHTS = {
    "admin": "admin",
    "maintain": "maintain",
    "push": "write",
    "triage": "triage",
    "pull": "read",
}
NOT_OURS = ("parent", "source", "organization", "template_repository", "temp_clone_token")
"""What GitHub's example has and a repository need not have."""


EXAMPLE = "full-repository-default-response"


@route("GET", "/repos/{owner}/{repo}")
def repository(view: View, operation: Operation) -> Reply:
    return Reply(200, described(view, repository_of(view, operation), "full-repository"))


def described(view: View, one: Repository, schema: str = "repository") -> dict[str, Any]:
    """Return a repository: GitHub's example with what is ours put in."""
    body: dict[str, Any] = named(
        view.world.descriptions.openapi.example(EXAMPLE, schema), one, view
    )
    for name in NOT_OURS:
        body.pop(name, None)
    body.update(own(one, view))
    if "permissions" in body:
        level = ROLES["read" if view.grant else view.role(one)]
        held = {name: level >= ROLES[role] for name, role in RIGHTS.items()}
        body["permissions"] = {**held, "pull": True}
    return body

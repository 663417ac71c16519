"""REST: what somebody may do in a repository."""

from __future__ import annotations

from tests.furniture.github_world.describing import user
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Reply, repository_of, route
from tests.furniture.github_world.rest_repositories import RIGHTS
from tests.furniture.github_world.view import ROLES, View, role_of

LEGACY = {"triage": "read", "maintain": "write"}
"""Roles that the older field does not tell apart."""


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission")
def permission(view: View, operation: Operation) -> Reply:
    found, login = repository_of(view, operation), operation.arguments["username"]
    known = {one.login.lower(): one for one in view.world.users.values() if one.kind == "User"}
    one = known.get(login.lower())
    if one is None:
        raise Missing
    role = role_of(found, login)
    if role == "none" and not found.private:
        role = "read"
    held = {name: ROLES[role] >= ROLES[least] for name, least in RIGHTS.items()}
    body = {
        "permission": LEGACY.get(role, role),
        "role_name": role,
        "user": {**user(view, one), "permissions": held, "role_name": role},
    }
    return Reply(200, body)

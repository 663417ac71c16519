"""REST: repositories."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Reply, named, repository_of, route
from tests.furniture.github_world.state import Repository, User
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


def own(one: Repository, view: View) -> dict[str, Any]:
    """Return what a repository says of itself beyond URLs under the API."""
    url = f"{view.world.url}/{one.full_name}"
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.name,
        "full_name": one.full_name,
        "owner": user(view, one.owner),
        "private": one.private,
        "visibility": "private" if one.private else "public",
        "archived": one.archived,
        "default_branch": one.default_branch,
        "language": "Python",
        "html_url": url,
        "clone_url": f"{url}.git",
        "created_at": one.created,
        "updated_at": one.created,
        "pushed_at": one.created,
    }


def user(view: View, one: User) -> dict[str, Any]:
    """Return a user as part of something else. A bot's login ends in ``[bot]`` in REST."""
    login = f"{one.login}[bot]" if one.kind == "Bot" else one.login
    api = f"{view.world.api}/users/{login}"
    return {
        "login": login,
        "id": one.id,
        "node_id": f"U_kw{one.id}",
        "avatar_url": f"{view.world.url}/avatars/{one.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{view.world.url}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": one.kind,
        "site_admin": False,
    }

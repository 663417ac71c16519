"""REST: repositories."""

from __future__ import annotations

import re
from typing import Any

from tests.furniture.github_world.apps import allows
from tests.furniture.github_world.describing import own
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    NO_ANSWER,
    NO_USER,
    Missing,
    Refused,
    Reply,
    Unprocessable,
    named,
    repository_of,
    route,
)
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


REPOSITORY = "/repos/{owner}/{repo}"
NO_ADMINISTRATION = {"X-Accepted-GitHub-Permissions": "administration=write"}


@route("POST", "/orgs/{org}/repos")
def create(view: View, operation: Operation) -> Reply:
    """An installation that makes a repository has it from then on."""
    login, asked = operation.arguments["org"], operation.body
    owner = {one.login.lower(): one for one in view.world.users.values()}.get(login.lower())
    if owner is None or owner.kind != "Organization":
        raise Missing
    if view.grant is not None:
        one = view.grant.installation
        if one.account is not owner or not allows(view.grant.permissions, "administration:write"):
            raise Refused(403, NO_ANSWER, NO_ADMINISTRATION)
    return _made(view, owner, asked)


@route("POST", "/user/repos")
def create_own(view: View, operation: Operation) -> Reply:
    if not view.login:
        raise Refused(401, NO_USER)
    return _made(view, view.actor, operation.body)


@route("PATCH", REPOSITORY, needs="administration:write")
def change(view: View, operation: Operation) -> Reply:
    found, asked = repository_of(view, operation), operation.body or {}
    world, by = view.world, view.actor
    if asked.get("name", found.name) != found.name:
        world.rename(found, asked["name"], by=by)
    if asked.get("private", found.private) is not found.private:
        world.privatize(found, asked["private"], by=by)
    if asked.get("default_branch", found.default_branch) != found.default_branch:
        world.change_default_branch(found, asked["default_branch"], by=by)
    if asked.get("archived", found.archived) is not found.archived:
        world.archive(found, asked["archived"], by=by)
    found.has_issues = asked.get("has_issues", found.has_issues)
    return Reply(200, described(view, found, "full-repository"))


@route("DELETE", REPOSITORY, needs="administration:write")
def delete(view: View, operation: Operation) -> Reply:
    view.world.delete_repository(repository_of(view, operation), by=view.actor)
    return Reply(204)


@route("GET", REPOSITORY)
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


def _made(view: View, owner: User, asked: dict[str, Any]) -> Reply:
    name, world = re.sub(r"[^\w.-]", "-", asked["name"]), view.world
    full_name = f"{owner.login}/{name}"
    known = world.repositories.get(full_name.lower())
    if known is not None and known.full_name.lower() == full_name.lower():
        said = "name already exists on this account"
        raise Unprocessable("Repository", "name", "custom", said)
    made = world.repository(full_name, private=asked.get("private", False), by=view.actor)
    made.has_issues = asked.get("has_issues", True)
    world.give_git(made)
    if view.grant is not None and view.grant.installation.selection == "selected":
        world.add_repositories(view.grant.installation, made, by=view.actor)
    return Reply(201, described(view, made, "full-repository"))

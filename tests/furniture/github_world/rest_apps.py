"""REST: what an App asks as itself, and its installations."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.apps import LEVELS, App, Grant, Installation
from tests.furniture.github_world.clock import moment_text
from tests.furniture.github_world.describing import user
from tests.furniture.github_world.identity import SUSPENDED
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    AS_APP,
    AS_INSTALLATION,
    Missing,
    Refused,
    Reply,
    error,
    paged,
    repository_of,
    route,
)
from tests.furniture.github_world.rest_repositories import described
from tests.furniture.github_world.state import Repository
from tests.furniture.github_world.view import View

NOT_GRANTED = "The permissions requested are not granted to this installation."
NOT_THERE = (
    "There is at least one repository that does not exist or is not accessible to the parent "
    "installation."
)


@route("GET", "/app", needs=AS_APP)
def app(view: View, _: Operation) -> Reply:
    found = app_of(view)
    count = len([one for one in view.world.installations.values() if one.app is found])
    return Reply(200, {**described_app(view, found), "installations_count": count})


@route("GET", "/app/installations", needs=AS_APP)
def installations(view: View, operation: Operation) -> Reply:
    found = [one for one in view.world.installations.values() if one.app is app_of(view)]
    return paged(
        view, operation, found, "/app/installations", lambda one: described_installation(view, one)
    )


@route("GET", "/app/installations/{installation_id}", needs=AS_APP)
def installation(view: View, operation: Operation) -> Reply:
    return Reply(200, described_installation(view, _installation(view, operation)))


@route("POST", "/app/installations/{installation_id}/access_tokens", needs=AS_APP)
def access_token(view: View, operation: Operation) -> Reply:
    found = _installation(view, operation)
    if found.suspended:
        raise Refused(403, SUSPENDED)
    asked = operation.body or {}
    permissions = asked.get("permissions")
    for name, level in (permissions or {}).items():
        if LEVELS[level] > LEVELS.get(found.permissions.get(name, ""), 0):
            return error(422, NOT_GRANTED)
    chosen = None
    if "repositories" in asked or "repository_ids" in asked:
        chosen = _chosen(view, found, asked)
    if permissions is not None:
        permissions = {"metadata": "read", **permissions}
    made = view.world.grant(found, permissions=permissions, repositories=chosen)
    return Reply(201, _described_grant(view, made, chosen))


@route("DELETE", "/installation/token", needs=AS_INSTALLATION)
def revoke(view: View, _: Operation) -> Reply:
    assert view.grant is not None
    del view.world.grants[view.grant.token]
    return Reply(204)


@route("GET", "/installation/repositories", needs=AS_INSTALLATION)
def repositories(view: View, operation: Operation) -> Reply:
    assert view.grant is not None
    held = view.world.covered(view.grant.installation)
    reply = paged(
        view,
        operation,
        [one for one in held if view.reaches(one)],
        "/installation/repositories",
        lambda one: described(view, one),
        under="repositories",
    )
    selection = "selected" if view.grant.only else view.grant.installation.selection
    return Reply(200, {**reply.body, "repository_selection": selection}, reply.headers)


@route("GET", "/repos/{owner}/{repo}/installation", needs=AS_APP)
def of_repository(view: View, operation: Operation) -> Reply:
    found = view.world.installation_of(app_of(view), repository_of(view, operation))
    if found is None:
        raise Missing
    return Reply(200, described_installation(view, found))


def described_app(view: View, one: App) -> dict[str, Any]:
    """Return an App as anybody sees it."""
    return {
        "id": one.id,
        "slug": one.slug,
        "client_id": one.client_id,
        "node_id": one.node,
        "owner": user(view, one.owner),
        "name": one.name,
        "description": "",
        "external_url": one.url,
        "html_url": f"{view.world.url}/apps/{one.slug}",
        "created_at": one.created,
        "updated_at": one.created,
        "permissions": one.permissions,
        "events": one.events,
    }


def described_installation(view: View, one: Installation) -> dict[str, Any]:
    """Return an installation."""
    api, account = view.world.api, one.account
    place = f"organizations/{account.login}/" if account.kind == "Organization" else ""
    return {
        "id": one.id,
        "account": user(view, account),
        "repository_selection": one.selection,
        "access_tokens_url": f"{api}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": f"{view.world.url}/{place}settings/installations/{one.id}",
        "app_id": one.app.id,
        "client_id": one.app.client_id,
        "app_slug": one.app.slug,
        "target_id": account.id,
        "target_type": account.kind,
        "permissions": one.permissions,
        "events": one.app.events,
        "created_at": one.created,
        "updated_at": one.updated,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(view, account) if one.suspended else None,
        "suspended_at": one.suspended,
    }


def _described_grant(view: View, made: Grant, chosen: list[Repository] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "token": made.token,
        "expires_at": moment_text(made.expires),
        "permissions": dict(made.permissions),
        "repository_selection": "all" if chosen is None else "selected",
    }
    if made.installation.selection == "selected":
        body["repository_selection"] = "selected"
    if chosen is not None:
        body["repositories"] = [described(view, one) for one in chosen]
    return body


def _chosen(view: View, found: Installation, asked: dict[str, Any]) -> list[Repository]:
    held = view.world.covered(found)
    by_name = {one.name.lower(): one for one in held}
    by_id = {one.id: one for one in held}
    chosen = [by_name.get(name.lower()) for name in asked.get("repositories", ())]
    chosen += [by_id.get(number) for number in asked.get("repository_ids", ())]
    known = [one for one in chosen if one is not None]
    if len(known) < len(chosen):
        raise Refused(422, NOT_THERE)
    return known


def app_of(view: View) -> App:
    """Return the App that asks as itself."""
    assert view.app is not None
    return view.app


def _installation(view: View, operation: Operation) -> Installation:
    found = view.world.installations.get(int(operation.arguments["installation_id"]))
    if found is None or found.app is not app_of(view):
        raise Missing
    return found

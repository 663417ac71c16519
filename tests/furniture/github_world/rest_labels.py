"""REST: labels of a repository, and on issues and pull requests."""

from __future__ import annotations

import re
from typing import Any

from tests.furniture.github_world.describing import label as described_label
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    Missing,
    Refused,
    Reply,
    Unprocessable,
    paged,
    repository_of,
    route,
)
from tests.furniture.github_world.rest_threads import thread_of
from tests.furniture.github_world.state import Label, Repository
from tests.furniture.github_world.view import View

READ = "issues:read|pull_requests:read"
WRITE = "issues:write|pull_requests:write"
LABELS = "/repos/{owner}/{repo}/labels"
LABEL = "/repos/{owner}/{repo}/labels/{name}"
ON_THREAD = "/repos/{owner}/{repo}/issues/{issue_number}/labels"
LONGEST_NAME = 50
LONGEST_DESCRIPTION = 100


@route("GET", LABELS, needs=READ)
def labels(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    shown = sorted(found.labels.values(), key=lambda one: one.name.lower())
    path = f"/repos/{found.full_name}/labels"
    return paged(view, operation, shown, path, lambda one: described_label(view, found, one))


@route("POST", LABELS, needs=WRITE)
def create(view: View, operation: Operation) -> Reply:
    found, asked = repository_of(view, operation), operation.body
    _check(asked)
    if asked["name"].lower() in found.labels:
        raise Unprocessable("Label", "name", "already_exists")
    made = view.world.create_label(
        found,
        asked["name"],
        color=asked.get("color", "ededed"),
        description=asked.get("description"),
        by=view.actor,
    )
    return Reply(201, described_label(view, found, made))


@route("GET", LABEL, needs=READ)
def label(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    return Reply(200, described_label(view, found, _label(found, operation)))


@route("PATCH", LABEL, needs=WRITE)
def edit(view: View, operation: Operation) -> Reply:
    found, asked = repository_of(view, operation), operation.body or {}
    old = _label(found, operation)
    _check({**asked, "name": asked.get("new_name", old.name)})
    taken = found.labels.get(asked.get("new_name", old.name).lower())
    if taken not in (None, old):
        raise Unprocessable("Label", "name", "already_exists")
    made = view.world.edit_label(found, old.name, by=view.actor, **asked)
    return Reply(200, described_label(view, found, made))


@route("DELETE", LABEL, needs=WRITE)
def delete(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    view.world.delete_label(found, _label(found, operation).name, by=view.actor)
    return Reply(204)


@route("GET", ON_THREAD, needs=READ)
def on_thread(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    path = f"/repos/{found.repository.full_name}/issues/{found.number}/labels"
    return paged(
        view,
        operation,
        found.labels,
        path,
        lambda one: described_label(view, found.repository, one),
    )


@route("POST", ON_THREAD, needs=WRITE)
def put_on(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    view.world.label(found, *_names(operation.body), by=view.actor)
    return _now_on(view, operation)


@route("PUT", ON_THREAD, needs=WRITE)
def replace(view: View, operation: Operation) -> Reply:
    found, names = thread_of(view, operation), _names(operation.body)
    for one in list(found.labels):
        if one.name.lower() not in {name.lower() for name in names}:
            view.world.unlabel(found, one.name, by=view.actor)
    view.world.label(found, *names, by=view.actor)
    return _now_on(view, operation)


@route("DELETE", ON_THREAD + "/{name}", needs=WRITE)
def take_off(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    try:
        view.world.unlabel(found, operation.arguments["name"], by=view.actor)
    except KeyError as error:
        raise Refused(404, "Label does not exist") from error
    return _now_on(view, operation)


def _now_on(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    return Reply(200, [described_label(view, found.repository, one) for one in found.labels])


def _names(body: Any) -> list[str]:
    given = (body or {}).get("labels", [])
    return [one if isinstance(one, str) else one["name"] for one in given]


def _label(repository: Repository, operation: Operation) -> Label:
    found = repository.labels.get(operation.arguments["name"].lower())
    if found is None:
        raise Missing
    return found


def _check(asked: dict[str, Any]) -> None:
    if not asked["name"].strip():
        raise Unprocessable("Label", "name", "missing_field")
    if len(asked["name"]) > LONGEST_NAME:
        raise Unprocessable("Label", "name", "invalid")
    if len(asked.get("description") or "") > LONGEST_DESCRIPTION:
        raise Unprocessable("Label", "description", "invalid")
    if not re.fullmatch("[0-9a-fA-F]{6}", asked.get("color", "ededed")):
        raise Unprocessable("Label", "color", "invalid")

"""REST: workflows, and how a run is dispatched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.furniture.github_world.actions import Workflow
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Refused, Reply, paged, repository_of, route
from tests.furniture.github_world.rest_runs import ACTIONS, READ, WRITE, listed, own_run
from tests.furniture.github_world.state import Repository
from tests.furniture.github_world.view import View

WORKFLOW = ACTIONS + "/workflows/{workflow_id}"
NO_REF = "No ref found for: {}"
NO_TRIGGER = "Workflow does not have 'workflow_dispatch' trigger"
UNEXPECTED = "Unexpected inputs provided: {}"
REQUIRED = "Required input '{}' not provided"


@route("GET", ACTIONS + "/workflows", needs=READ)
def workflows(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    path = f"/repos/{found.full_name}/actions/workflows"
    shown = view.world.workflows(found)
    return paged(
        view,
        operation,
        shown,
        path,
        lambda one: described_workflow(view, found, one),
        under="workflows",
    )


@route("GET", WORKFLOW, needs=READ)
def workflow(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    return Reply(200, described_workflow(view, found, _workflow(view, found, operation)))


@route("POST", WORKFLOW + "/dispatches", needs=WRITE)
def dispatch(view: View, operation: Operation) -> Reply:
    found, asked = repository_of(view, operation), operation.body
    known = _workflow(view, found, operation)
    branch = asked["ref"].removeprefix("refs/heads/")
    there = {one.path: one for one in view.world.workflows(found, branch)}
    if not there:
        raise Refused(422, NO_REF.format(asked["ref"]))
    one = there.get(known.path)
    if one is None or one.inputs is None:
        raise Refused(422, NO_TRIGGER)
    inputs = _inputs(one.inputs, asked.get("inputs", {}))
    made = view.world.run(found, one, branch=branch, inputs=inputs, by=view.actor)
    if not asked.get("return_run_details", False):
        return Reply(204)
    told = own_run(view, made)
    body = {"workflow_run_id": made.id, "run_url": told["url"], "html_url": told["html_url"]}
    return Reply(200, body)


@route("GET", WORKFLOW + "/runs", needs=READ)
def runs_of(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    known = _workflow(view, found, operation)
    shown = [one for one in found.runs if one.workflow.id == known.id]
    path = f"/repos/{found.full_name}/actions/workflows/{known.id}/runs"
    return listed(view, operation, shown, path)


def described_workflow(view: View, repository: Repository, one: Workflow) -> dict[str, Any]:
    """Return a workflow."""
    html = f"{view.world.url}/{repository.full_name}"
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.name,
        "path": one.path,
        "state": "active",
        "created_at": repository.created,
        "updated_at": repository.created,
        "url": f"{view.world.api}/repos/{repository.full_name}/actions/workflows/{one.id}",
        "html_url": f"{html}/blob/{repository.default_branch}/{one.path}",
        "badge_url": f"{html}/workflows/{one.file}/badge.svg",
    }


def _inputs(known: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    unexpected = sorted(set(given) - set(known))
    if unexpected:
        raise Refused(422, UNEXPECTED.format(unexpected))
    made = {name: one["default"] for name, one in known.items() if "default" in (one or {})}
    made |= given
    for name, one in known.items():
        if (one or {}).get("required") and made.get(name, "") == "":
            raise Refused(422, REQUIRED.format(name))
    return made


def _workflow(view: View, repository: Repository, operation: Operation) -> Workflow:
    asked = operation.arguments["workflow_id"]
    for one in view.world.workflows(repository):
        if asked in (str(one.id), one.file):
            return one
    raise Missing

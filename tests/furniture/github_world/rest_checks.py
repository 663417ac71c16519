"""REST: check runs. More than 50 annotations at once are no request of GitHub's description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.furniture.github_world.describing import ends
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    NO_ANSWER,
    Missing,
    Refused,
    Reply,
    Unprocessable,
    error,
    paged,
    repository_of,
    route,
)
from tests.furniture.github_world.rest_apps import described_app
from tests.furniture.github_world.rest_code import resolved
from tests.furniture.github_world.state import CheckRun, Pull, Repository
from tests.furniture.github_world.view import View

READ = "checks:read"
WRITE = "checks:write"
RUN = "/repos/{owner}/{repo}/check-runs/{check_run_id}"
LONGEST = 65_535
"""Bytes of a summary or a text."""


@route("POST", "/repos/{owner}/{repo}/check-runs", needs=WRITE)
def create(view: View, operation: Operation) -> Reply:
    found, asked = repository_of(view, operation), operation.body
    if view.grant is None:
        raise Refused(403, "You must authenticate via a GitHub App.")
    _check(asked)
    if not _has_commit(found, asked["head_sha"]):
        return error(422, f"No commit found for SHA: {asked['head_sha']}")
    app = view.grant.installation.app
    made = view.world.check_run(app, found, asked["name"], asked["head_sha"])
    _change(view, made, asked)
    return Reply(201, described_run(view, made))


@route("GET", RUN, needs=READ)
def run(view: View, operation: Operation) -> Reply:
    return Reply(200, described_run(view, _run(view, operation)))


@route("PATCH", RUN, needs=WRITE)
def update(view: View, operation: Operation) -> Reply:
    found = _run(view, operation)
    if view.grant is None or view.grant.installation.app.id != found.suite.app_id:
        raise Refused(403, NO_ANSWER)
    _check({"name": found.name, **operation.body})
    _change(view, found, operation.body)
    return Reply(200, described_run(view, found))


@route("GET", RUN + "/annotations", needs=READ)
def notes(view: View, operation: Operation) -> Reply:
    found = _run(view, operation)
    path = f"/repos/{found.repository.full_name}/check-runs/{found.id}/annotations"
    shown = found.annotations
    return paged(view, operation, shown, path, lambda one: _annotation(view, found, one))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", needs=READ)
def of_commit(view: View, operation: Operation) -> Reply:
    found, query = repository_of(view, operation), operation.query
    sha = commit_of(found, operation.arguments["ref"])
    shown = [one for one in found.checks if one.sha == sha]
    if "app_id" in query:
        shown = [one for one in shown if one.suite.app_id == query["app_id"]]
    path = f"/repos/{found.full_name}/commits/{operation.arguments['ref']}/check-runs"
    return _listed(view, operation, shown, path)


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", needs=READ)
def of_suite(view: View, operation: Operation) -> Reply:
    found, number = repository_of(view, operation), int(operation.arguments["check_suite_id"])
    shown = [one for one in found.checks if one.suite.id == number]
    if not shown:
        raise Missing
    path = f"/repos/{found.full_name}/check-suites/{number}/check-runs"
    return _listed(view, operation, shown, path)


def described_run(view: View, one: CheckRun) -> dict[str, Any]:
    """Return a check run."""
    api = f"{view.world.api}/repos/{one.repository.full_name}/check-runs/{one.id}"
    app = view.world.apps[one.suite.app_id]
    page = f"{view.world.url}/{one.repository.full_name}/runs/{one.id}"
    return {
        "id": one.id,
        "node_id": one.node,
        "head_sha": one.sha,
        "external_id": one.external_id,
        "url": api,
        "html_url": page,
        "details_url": one.details_url or app.url,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": one.started,
        "completed_at": one.completed,
        "output": {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "annotations_count": len(one.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "name": one.name,
        "check_suite": {"id": one.suite.id},
        "app": described_app(view, app),
        "pull_requests": [
            minimal_pull(view, pull)
            for pull in one.repository.pulls
            if pull.state == "OPEN" and pull.head == one.sha
        ],
    }


def minimal_pull(view: View, one: Pull) -> dict[str, Any]:
    """Return a pull request as a check names it."""
    api = f"{view.world.api}/repos/{one.repository.full_name}"
    sides: dict[str, Any] = {}
    for side, (repository, said) in ends(view, one).items():
        url = f"{view.world.api}/repos/{repository.full_name}"
        about = {"id": repository.id, "url": url, "name": repository.name}
        sides[side] = {"ref": said["ref"], "sha": said["sha"], "repo": about}
    return {
        "id": one.id,
        "number": one.number,
        "url": f"{api}/pulls/{one.number}",
        **sides,
    }


def _listed(view: View, operation: Operation, runs: Sequence[CheckRun], path: str) -> Reply:
    query = operation.query
    shown = [one for one in runs if one.name == query.get("check_name", one.name)]
    shown = [one for one in shown if one.status == query.get("status", one.status)]
    if query["filter"] == "latest":
        # The newest of each name in each suite.
        shown = list({(one.suite.id, one.name): one for one in shown}.values())
    shown.sort(key=lambda one: one.id, reverse=True)
    return paged(
        view, operation, shown, path, lambda one: described_run(view, one), under="check_runs"
    )


def _annotation(view: View, run: CheckRun, one: dict[str, Any]) -> dict[str, Any]:
    optional = ("start_column", "end_column", "title", "raw_details")
    html = f"{view.world.url}/{run.repository.full_name}/blob/{run.sha}/{one['path']}"
    return {**dict.fromkeys(optional), **one, "blob_href": html}


def _change(view: View, run: CheckRun, asked: dict[str, Any]) -> None:
    for field in ("name", "external_id", "details_url", "status"):
        setattr(run, field, asked.get(field, getattr(run, field)))
    run.started = asked.get("started_at", run.started)
    output = asked.get("output", {})
    for field in ("title", "summary", "text"):
        setattr(run, field, output.get(field, getattr(run, field)))
    run.annotations += output.get("annotations", [])
    if "conclusion" in asked:
        completed = asked.get("completed_at")
        view.world.complete_check(run, asked["conclusion"], by=view.actor)
        run.completed = completed or run.completed
    elif run.status != "completed":
        run.conclusion = run.completed = None


def _check(asked: dict[str, Any]) -> None:
    if not asked["name"].strip():
        raise Unprocessable("CheckRun", "name", "missing_field")
    if asked.get("status") == "completed" and "conclusion" not in asked:
        raise Unprocessable("CheckRun", "conclusion", "missing_field")
    output = asked.get("output", {})
    for field in ("summary", "text"):
        if len((output.get(field) or "").encode()) > LONGEST:
            said = f"{field} exceeds a maximum bytesize of {LONGEST}"
            raise Unprocessable("CheckRun", field, "custom", said)


def _run(view: View, operation: Operation) -> CheckRun:
    number = int(operation.arguments["check_run_id"])
    for one in repository_of(view, operation).checks:
        if one.id == number:
            return one
    raise Missing


def branch_of(repository: Repository, sha: str) -> str:
    """Return the branch that a checked commit is taken to be of."""
    branches = {pull.head: pull.branch for pull in repository.pulls}
    return branches.get(sha, repository.default_branch)


def commit_of(repository: Repository, ref: str) -> str:
    """Return the commit of a branch, a tag or an id. Raises Missing."""
    return ref if ref in repository.commits else resolved(repository, ref)


def _has_commit(repository: Repository, sha: str) -> bool:
    try:
        return bool(commit_of(repository, sha))
    except Missing:
        return False

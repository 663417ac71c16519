"""REST: runs of workflows, and their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.furniture.github_world.actions import FAILED, Job, Run
from tests.furniture.github_world.describing import user
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    Missing,
    Refused,
    Reply,
    named,
    paged,
    repository_of,
    route,
)
from tests.furniture.github_world.rest_code import short_commit
from tests.furniture.github_world.rest_repositories import described
from tests.furniture.github_world.state import node_id
from tests.furniture.github_world.view import View

READ = "actions:read"
WRITE = "actions:write"
ACTIONS = "/repos/{owner}/{repo}/actions"
RUN = ACTIONS + "/runs/{run_id}"
COMPLETED = "Cannot cancel a workflow run that is completed."
RUNNING = "This workflow is already running"
NOT_FAILED = "This workflow run cannot be retried: no job failed"


@route("GET", ACTIONS + "/runs", needs=READ)
def runs(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    return listed(view, operation, found.runs, f"/repos/{found.full_name}/actions/runs")


@route("GET", RUN, needs=READ)
def run(view: View, operation: Operation) -> Reply:
    return Reply(200, described_run(view, run_of(view, operation)))


@route("POST", RUN + "/cancel", needs=WRITE)
@route("POST", RUN + "/force-cancel", needs=WRITE)
def cancel(view: View, operation: Operation) -> Reply:
    found = run_of(view, operation)
    if found.status == "completed":
        raise Refused(409, COMPLETED)
    view.world.cancel_run(found)
    return Reply(202, {})


@route("POST", RUN + "/rerun", needs=WRITE)
def rerun(view: View, operation: Operation) -> Reply:
    found = _ended(view, operation)
    view.world.rerun(found)
    return Reply(201, {})


@route("POST", RUN + "/rerun-failed-jobs", needs=WRITE)
def rerun_failed(view: View, operation: Operation) -> Reply:
    found = _ended(view, operation)
    if not any(job.conclusion in FAILED for job in found.latest):
        raise Refused(403, NOT_FAILED)
    view.world.rerun(found, only_failed=True)
    return Reply(201, {})


@route("GET", RUN + "/jobs", needs=READ)
def jobs(view: View, operation: Operation) -> Reply:
    found = run_of(view, operation)
    shown = found.jobs if operation.query["filter"] == "all" else found.latest
    return _jobs(view, operation, found, shown, f"/actions/runs/{found.id}/jobs")


@route("GET", RUN + "/attempts/{attempt_number}/jobs", needs=READ)
def jobs_of_attempt(view: View, operation: Operation) -> Reply:
    found, attempt = run_of(view, operation), int(operation.arguments["attempt_number"])
    if not 1 <= attempt <= found.attempt:
        raise Missing
    shown = [one for one in found.jobs if one.attempt == attempt]
    return _jobs(view, operation, found, shown, f"/actions/runs/{found.id}/attempts/{attempt}/jobs")


def run_of(view: View, operation: Operation) -> Run:
    """Return the run that is asked for. Raises Missing or Moved."""
    number = int(operation.arguments["run_id"])
    for one in repository_of(view, operation).runs:
        if one.id == number:
            return one
    raise Missing


def described_run(view: View, one: Run) -> dict[str, Any]:
    """Return a run."""
    example = view.world.descriptions.openapi.example("workflow-run", "workflow-run")
    body: dict[str, Any] = named(example, one.repository, view)
    short = described(view, one.repository, "minimal-repository")
    body.update(own_run(view, one), head_commit=short_commit(one.repository, one.sha))
    return {**body, "repository": short, "head_repository": short}


def own_run(view: View, one: Run) -> dict[str, Any]:
    """Return what a run says of itself."""
    actions = f"{view.world.api}/repos/{one.repository.full_name}/actions"
    url = f"{actions}/runs/{one.id}"
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.workflow.name,
        "display_title": one.title,
        "path": one.workflow.path,
        "head_branch": one.branch,
        "head_sha": one.sha,
        "run_number": one.number,
        "run_attempt": one.attempt,
        "event": one.event,
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": one.workflow.id,
        "check_suite_id": one.id,
        "check_suite_node_id": node_id("CS", one.id),
        "pull_requests": [],
        "referenced_workflows": [],
        "actor": user(view, one.actor),
        "triggering_actor": user(view, one.actor),
        "created_at": one.created,
        "updated_at": one.updated,
        "run_started_at": one.started,
        "url": url,
        "html_url": f"{view.world.url}/{one.repository.full_name}/actions/runs/{one.id}",
        "workflow_url": f"{actions}/workflows/{one.workflow.id}",
        "previous_attempt_url": f"{url}/attempts/{one.attempt - 1}" if one.attempt > 1 else None,
        **{f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel")},
        "rerun_url": f"{url}/rerun",
        "check_suite_url": f"{actions.removesuffix('/actions')}/check-suites/{one.id}",
    }


def _job(view: View, run: Run, one: Job) -> dict[str, Any]:
    api = f"{view.world.api}/repos/{run.repository.full_name}"
    html = f"{view.world.url}/{run.repository.full_name}/actions/runs/{run.id}/job/{one.id}"
    return {
        "id": one.id,
        "node_id": one.node,
        "run_id": run.id,
        "run_url": f"{api}/actions/runs/{run.id}",
        "run_attempt": one.attempt,
        "head_sha": run.sha,
        "head_branch": run.branch,
        "workflow_name": run.workflow.name,
        "name": one.name,
        "url": f"{api}/actions/jobs/{one.id}",
        "html_url": html,
        "check_run_url": f"{api}/check-runs/{one.id}",
        "status": one.status,
        "conclusion": one.conclusion,
        "created_at": one.created,
        "started_at": one.started,
        "completed_at": one.completed,
        "steps": [],
        "labels": ["ubuntu-24.04"],
        "runner_id": 1,
        "runner_name": "GitHub Actions 1",
        "runner_group_id": 0,
        "runner_group_name": "GitHub Actions",
    }


def _jobs(view: View, operation: Operation, run: Run, shown: list[Job], rest: str) -> Reply:
    path = f"/repos/{run.repository.full_name}{rest}"
    return paged(view, operation, shown, path, lambda one: _job(view, run, one), under="jobs")


def listed(view: View, operation: Operation, of: list[Run], path: str) -> Reply:
    """Return a page of runs, the newest first, as the query wants them."""
    shown = [one for one in reversed(of) if _wanted(one, operation.query)]
    return paged(
        view, operation, shown, path, lambda one: described_run(view, one), under="workflow_runs"
    )


def _wanted(one: Run, query: Mapping[str, Any]) -> bool:
    asked = {"event": one.event, "branch": one.branch, "head_sha": one.sha}
    if any(query.get(name, value) != value for name, value in asked.items()):
        return False
    if "status" in query and query["status"] not in (one.status, one.conclusion):
        return False
    login = f"{one.actor.login}[bot]" if one.actor.kind == "Bot" else one.actor.login
    return query.get("actor", login) == login and _in_span(one.created, query.get("created", ""))


def _in_span(moment: str, span: str) -> bool:
    """https://docs.github.com/en/search-github/getting-started-with-searching-on-github/
    understanding-the-search-syntax#query-for-dates"""
    first, dots, last = span.partition("..")
    if dots:
        return (first in ("", "*") or moment >= first) and (last in ("", "*") or moment <= last)
    for sign in (">=", "<=", ">", "<"):
        if span.startswith(sign):
            day = span.removeprefix(sign)
            known = {">=": moment >= day, "<=": moment <= day, ">": moment > day, "<": moment < day}
            return known[sign]
    return moment.startswith(span)


def _ended(view: View, operation: Operation) -> Run:
    found = run_of(view, operation)
    if found.status != "completed":
        raise Refused(403, RUNNING)
    return found

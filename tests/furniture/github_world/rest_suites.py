"""REST: check suites, one for each App and commit that it checks."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Reply, paged, repository_of, route
from tests.furniture.github_world.rest_apps import described_app
from tests.furniture.github_world.rest_checks import READ, branch_of, commit_of, described_run
from tests.furniture.github_world.rest_code import short_commit
from tests.furniture.github_world.rest_repositories import described
from tests.furniture.github_world.state import CheckRun, CheckSuite, Repository, node_id
from tests.furniture.github_world.view import View


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-suites", needs=READ)
def of_commit(view: View, operation: Operation) -> Reply:
    found, query = repository_of(view, operation), operation.query
    sha = commit_of(found, operation.arguments["ref"])
    runs = [one for one in found.checks if one.sha == sha]
    runs = [one for one in runs if one.suite.app_id == query.get("app_id", one.suite.app_id)]
    runs = [one for one in runs if one.name == query.get("check_name", one.name)]
    suites = list({one.suite.id: one.suite for one in runs}.values())
    path = f"/repos/{found.full_name}/commits/{operation.arguments['ref']}/check-suites"
    return paged(
        view,
        operation,
        suites,
        path,
        lambda one: described_suite(view, found, one),
        under="check_suites",
    )


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}", needs=READ)
def suite(view: View, operation: Operation) -> Reply:
    found, number = repository_of(view, operation), int(operation.arguments["check_suite_id"])
    for run in found.checks:
        if run.suite.id == number:
            return Reply(200, described_suite(view, found, run.suite))
    raise Missing


def described_suite(view: View, repository: Repository, one: CheckSuite) -> dict[str, Any]:
    """Return a suite; it is as far as its runs are."""
    runs = [run for run in repository.checks if run.suite is one]
    api = f"{view.world.api}/repos/{repository.full_name}/check-suites/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("CS", one.id),
        "head_branch": branch_of(repository, one.sha),
        "head_sha": one.sha,
        "status": "completed" if _ended(runs) else "in_progress",
        "conclusion": _conclusion(runs),
        "url": api,
        "before": None,
        "after": one.sha,
        "pull_requests": described_run(view, runs[-1])["pull_requests"],
        "app": described_app(view, view.world.apps[one.app_id]),
        "repository": described(view, repository, "minimal-repository"),
        "created_at": one.created,
        "updated_at": max(run.completed or run.started for run in runs),
        "head_commit": short_commit(repository, one.sha),
        "latest_check_runs_count": len({run.name for run in runs}),
        "check_runs_url": f"{api}/check-runs",
    }


def _ended(runs: list[CheckRun]) -> bool:
    return all(run.status == "completed" for run in runs)


def _conclusion(runs: list[CheckRun]) -> str | None:
    if not _ended(runs):
        return None
    ends = {run.conclusion for run in runs}
    order = ("failure", "timed_out", "cancelled", "action_required", "success", "neutral")
    return next((one for one in order if one in ends), "skipped")

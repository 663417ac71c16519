"""Runs of GitHub Actions: started once, looked at, and what their jobs left.

https://docs.github.com/en/rest/actions/workflows
https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mirror.github.client import GitHub
from storage.errors import GitHubMissing

RECENT = "30"
"""Runs among which one is looked for: the newest of a workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """A run as GitHub has it now."""

    id: int
    status: str
    """``queued``, ``in_progress``, ``completed`` …"""
    conclusion: str
    """Empty while it goes on."""
    url: str
    """Where people see it."""
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowJob:
    """A job of a run's last attempt."""

    name: str
    conclusion: str
    seconds: float
    """How long it had a machine; 0 while it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArtifact:
    """What a job uploaded."""

    id: int
    name: str
    size: int
    """Bytes, compressed."""
    expired: bool


async def start_run(
    github: GitHub,
    repository: str,
    workflow: str,
    *,
    ref: str,
    inputs: Mapping[str, str],
    title: str,
) -> int:
    """Start a workflow by its file's name, and return the run. Raises GitHubError.

    ``title`` is what the workflow calls such a run (``run-name``): where the answer is lost, the
    run is found by it and not started again.
    """
    path = f"/repos/{repository}/actions/workflows/{workflow}/dispatches"

    async def look() -> dict[str, Any] | None:
        found = await find_run(github, repository, workflow, title=title)
        return None if found is None else {"workflow_run_id": found}

    asked = {"ref": ref, "inputs": dict(inputs), "return_run_details": True}
    what = f"a run of {workflow} in {repository}"
    answer = await github.write("POST", path, asked, what=what, look=look)
    if isinstance(answer.data, Mapping) and "workflow_run_id" in answer.data:
        return int(answer.data["workflow_run_id"])
    found = await look()
    if found is None:
        raise GitHubMissing(f"GitHub took {what}, but does not show it yet; try again later")
    return int(found["workflow_run_id"])


async def find_run(github: GitHub, repository: str, workflow: str, *, title: str) -> int | None:
    """Return the newest of the last runs of a workflow that is called so. Raises GitHubError."""
    path = f"/repos/{repository}/actions/workflows/{workflow}/runs"
    asked = {"event": "workflow_dispatch", "per_page": RECENT}
    answer = await github.get(path, asked, what=f"runs of {workflow} in {repository}")
    named = [run for run in answer.data["workflow_runs"] if run.get("display_title") == title]
    return int(named[0]["id"]) if named else None


async def look_at_run(github: GitHub, repository: str, run: int) -> WorkflowRun:
    """Return where a run stands. Raises GitHubError."""
    path = f"/repos/{repository}/actions/runs/{run}"
    found = (await github.get(path, what=f"run {run} of {repository}", cached=True)).data
    return WorkflowRun(
        id=run,
        status=found["status"] or "",
        conclusion=found["conclusion"] or "",
        url=found["html_url"],
        attempt=int(found.get("run_attempt") or 1),
    )


async def jobs_of_run(github: GitHub, repository: str, run: int) -> list[WorkflowJob]:
    """Return the jobs of a run, each at its last attempt. Raises GitHubError."""
    path = f"/repos/{repository}/actions/runs/{run}/jobs"
    found: list[WorkflowJob] = []
    what = f"the jobs of run {run} of {repository}"
    async for page in github.pages(path, {"filter": "latest"}, what=what):
        found += [
            WorkflowJob(
                name=job["name"],
                conclusion=job["conclusion"] or "",
                seconds=seconds_between(job["started_at"], job["completed_at"]),
            )
            for job in page["jobs"]
        ]
    return found


async def artifacts_of_run(
    github: GitHub, repository: str, run: int
) -> AsyncGenerator[RunArtifact, None]:
    """Yield what the jobs of a run uploaded. Raises GitHubError."""
    path = f"/repos/{repository}/actions/runs/{run}/artifacts"
    async for page in github.pages(path, what=f"artifacts of run {run} of {repository}"):
        for one in page["artifacts"]:
            yield RunArtifact(
                id=int(one["id"]),
                name=one["name"],
                size=int(one["size_in_bytes"]),
                expired=bool(one["expired"]),
            )


async def download_artifact(
    github: GitHub, repository: str, artifact: RunArtifact, *, limit: int
) -> bytes:
    """Return an artifact's archive of at most ``limit`` bytes. Raises GitHubError."""
    path = f"/repos/{repository}/actions/artifacts/{artifact.id}/zip"
    return await github.download(path, limit=limit, what=f"artifact {artifact.name}")


def seconds_between(started: str | None, ended: str | None) -> float:
    """Return the seconds between two times of GitHub's; 0 where one is not known."""
    if not started or not ended:
        return 0.0
    return max(
        0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    )

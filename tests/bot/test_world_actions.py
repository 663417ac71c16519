"""The GitHub of the tests: Actions, in repositories that an App makes itself."""

from __future__ import annotations

import asyncio
import io
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from storage.git import environment
from tests.furniture.github_world import App, Code, Installation, Repository, Run, World, call

pytestmark = pytest.mark.github

NAME = "acme/octo__thing"
API = f"/repos/{NAME}"
RUNS = f"{API}/actions/runs"
WORKFLOW = """
name: validate
on:
  workflow_dispatch:
    inputs:
      batch: {required: true}
      shards: {default: "4"}
jobs: {plan: {runs-on: ubuntu-24.04, steps: [{run: "true"}]}}
"""
OTHER = "on: [push]\njobs: {}\n"
PERMISSIONS = {"actions": "write", "contents": "write", "administration": "write"}


@pytest.fixture
def app(world: World) -> App:
    events = ["push", "repository", "workflow_run"]
    return world.app(permissions={**PERMISSIONS, "workflows": "write"}, events=events)


@pytest.fixture
def installation(world: World, app: App) -> Installation:
    return world.install(app, world.user("acme", "Organization"))


@pytest.fixture
def repository(world: World, installation: Installation, tmp_path: Path) -> Repository:
    made = world.repository(NAME)
    files = {".github/workflows/validate.yml": WORKFLOW, ".github/workflows/ci.yml": OTHER}
    Code(world, made, tmp_path).commit(files)
    world.hooks.pending.clear()
    return made


@pytest.fixture
def token(world: World, installation: Installation) -> str:
    return world.grant(installation).token


async def dispatch(world: World, token: str, file: str = "validate.yml", **asked: Any) -> Any:
    """Dispatch a workflow; returns the answer."""
    body = {"ref": "main", "inputs": {"batch": "b1"}, **asked}
    return await call(
        world, "POST", f"{API}/actions/workflows/{file}/dispatches", body, token=token
    )


async def test_a_dispatch_is_carried_out_and_told_step_by_step(
    world: World, repository: Repository, token: str
) -> None:
    async def execute(run: Run) -> None:
        world.begin_run(run)
        job = world.begin_job(run, "plan")
        world.upload_artifact(run, "plan", {"plan.json": b"{}"})
        world.end_job(job)
        world.end_run(run)

    world.executor = execute
    told = await dispatch(world, token, return_run_details=True)
    await asyncio.gather(*world.running)
    path = f"{RUNS}/{told.json['workflow_run_id']}"
    run = (await call(world, "GET", path, token=token)).json
    assert (run["status"], run["conclusion"], run["event"]) == (
        "completed",
        "success",
        "workflow_dispatch",
    )
    assert run["triggering_actor"]["login"] == "bugfoundry[bot]"
    assert repository.runs[0].inputs == {"batch": "b1", "shards": "4"}
    jobs = await call(world, "GET", f"{path}/jobs", token=token)
    assert [(one["name"], one["conclusion"]) for one in jobs.json["jobs"]] == [("plan", "success")]
    actions = [one.payload["action"] for one in world.hooks.pending]
    assert actions == ["requested", "in_progress", "completed"]
    assert world.hooks.pending[2].payload["workflow_run"]["id"] == run["id"]


@pytest.mark.parametrize(
    ("file", "asked", "status", "said"),
    [
        ("none.yml", {}, 404, "Not Found"),
        ("ci.yml", {}, 422, "does not have 'workflow_dispatch' trigger"),
        ("validate.yml", {"ref": "none"}, 422, "No ref found for: none"),
        ("validate.yml", {"inputs": {}}, 422, "Required input 'batch' not provided"),
        ("validate.yml", {"inputs": {"x": "1"}}, 422, "Unexpected inputs provided: ['x']"),
    ],
    ids=["no workflow", "no trigger", "no ref", "missing input", "unknown input"],
)
async def test_a_dispatch_can_be_refused(
    world: World, repository: Repository, token: str, file: str, asked: Any, status: int, said: str
) -> None:
    refused = await dispatch(world, token, file, **asked)
    assert (refused.status, said in refused.json["message"]) == (status, True)


async def test_a_run_is_cancelled_and_its_failed_jobs_run_again(
    world: World, repository: Repository, token: str
) -> None:
    assert (await dispatch(world, token)).status == 204
    (run,) = repository.runs
    world.begin_run(run)
    world.end_job(world.begin_job(run, "shard 1"))
    world.begin_job(run, "shard 2")
    path = f"{RUNS}/{run.id}"
    assert (await call(world, "POST", f"{path}/rerun-failed-jobs", token=token)).status == 403
    assert (await call(world, "POST", f"{path}/cancel", token=token)).status == 202
    assert (await call(world, "POST", f"{path}/cancel", token=token)).status == 409
    found = await call(world, "GET", f"{RUNS}?status=cancelled", token=token)
    assert [one["id"] for one in found.json["workflow_runs"]] == [run.id]
    assert (await call(world, "POST", f"{path}/rerun-failed-jobs", token=token)).status == 201
    assert (run.attempt, run.status, run.again) == (2, "queued", frozenset({"shard 2"}))
    world.begin_run(run)
    world.end_job(world.begin_job(run, "shard 2"))
    world.end_run(run)
    assert run.conclusion == "success"
    attempts = await call(world, "GET", f"{path}/jobs?filter=all", token=token)
    assert [(one["name"], one["run_attempt"]) for one in attempts.json["jobs"]] == [
        ("shard 1", 1),
        ("shard 2", 1),
        ("shard 2", 2),
    ]


async def test_an_artifact_is_downloaded_from_elsewhere_until_it_expires(
    world: World, repository: Repository, installation: Installation, token: str
) -> None:
    await dispatch(world, token)
    (run,) = repository.runs
    world.upload_artifact(run, "verdicts-1", {"verdicts.jsonl": b"{}\n"}, days=1)
    hostile = world.upload_artifact(run, "verdicts-2", b"no archive", days=1)
    listed = await call(world, "GET", f"{RUNS}/{run.id}/artifacts", token=token)
    names = [one["name"] for one in listed.json["artifacts"]]
    assert names == ["verdicts-2", "verdicts-1"]
    one = listed.json["artifacts"][1]
    moved = await call(world, "GET", f"{API}/actions/artifacts/{one['id']}/zip", token=token)
    there = moved.headers["Location"]
    assert moved.status == 302
    async with aiohttp.ClientSession() as session:
        async with session.get(there) as response:
            content = await response.read()
        async with session.get(there, headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 403
    assert zipfile.ZipFile(io.BytesIO(content)).read("verdicts.jsonl") == b"{}\n"
    await world.clock.sleep(24 * 3600)
    late = world.grant(installation).token
    path = f"{API}/actions/artifacts/{hostile.id}/zip"
    assert (await call(world, "GET", path, token=late)).status == 410


async def test_a_job_has_a_token_of_its_own_repository(
    world: World, repository: Repository, token: str
) -> None:
    await dispatch(world, token)
    job = world.job_token(repository.runs[0], {"contents": "read"})
    seen = await call(world, "GET", f"{API}/contents/.github", token=job)
    assert (seen.status, seen.headers["X-RateLimit-Limit"]) == (200, "1000")
    assert (await call(world, "GET", f"{API}/actions/runs", token=job)).status == 403
    world.repository("acme/other", private=True)
    assert (await call(world, "GET", "/repos/acme/other", token=job)).status == 404


async def pushed(world: World, folder: Path, token: str, url: str) -> tuple[int, str]:
    """Push a folder's main branch; returns git's exit code and what it said."""
    encoded = b64encode(f"x-access-token:{token}".encode()).decode()
    process = await asyncio.create_subprocess_exec(
        "git", "-c", f"http.extraHeader=Authorization: Basic {encoded}",
        "push", url, "main", cwd=folder, env=environment(),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_repository_is_made_over_the_api_and_pushed_to(
    world: World, installation: Installation, token: str, tmp_path: Path
) -> None:
    asked = {"name": "octo__thing", "private": True, "has_issues": False}
    made = await call(world, "POST", "/orgs/acme/repos", asked, token=token)
    assert (made.status, made.json["full_name"]) == (201, NAME)
    again = await call(world, "POST", "/orgs/acme/repos", asked, token=token)
    assert (again.status, again.json["errors"][0]["field"]) == (422, "name")
    assert (await call(world, "POST", "/user/repos", asked, token=token)).status == 403
    local = world.repository("local/copy")
    code = Code(world, local, tmp_path)
    code.commit({"a.py": "a = 1\n", ".github/workflows/validate.yml": WORKFLOW})
    url = made.json["clone_url"]
    without = world.grant(installation, permissions={"contents": "write"}).token
    failed, said = await pushed(world, code.git_dir, without, url)
    assert (failed, "without `workflows` permission" in said) == (1, True)
    reader = world.grant(installation, permissions={"contents": "read"}).token
    assert (await pushed(world, code.git_dir, reader, url))[0] == 128
    world.hooks.pending.clear()
    assert (await pushed(world, code.git_dir, token, url))[0] == 0
    (push,) = world.hooks.pending
    assert (push.event, push.payload["sender"]["login"]) == ("push", "bugfoundry[bot]")
    assert push.payload["after"] == code.tip("main")
    assert (await dispatch(world, token)).status == 204
    assert (await call(world, "PATCH", API, {"archived": True}, token=token)).status == 200
    assert (await call(world, "DELETE", API, token=token)).status == 204
    assert (await call(world, "GET", API, token=token)).status == 404

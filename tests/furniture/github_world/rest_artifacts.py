"""REST: artifacts of runs, and the store on another host that they are downloaded from."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.furniture.github_world.actions import Artifact, Run
from tests.furniture.github_world.clock import moment_text
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Refused, Reply, paged, repository_of, route
from tests.furniture.github_world.rest_runs import READ, RUN, WRITE, run_of
from tests.furniture.github_world.view import View
from tests.furniture.github_world.world import World

ACTIONS = "/repos/{owner}/{repo}/actions"
ARTIFACT = ACTIONS + "/artifacts/{artifact_id}"
BLOB = re.compile(r"/actions-results/(?P<key>[0-9a-f]{40})\.zip")
GOOD_FOR = 60
"""Seconds in which a place to download from can be used."""
EXPIRED = "Artifact has expired"


@route("GET", RUN + "/artifacts", needs=READ)
def of_run(view: View, operation: Operation) -> Reply:
    found = run_of(view, operation)
    path = f"/repos/{found.repository.full_name}/actions/runs/{found.id}/artifacts"
    return _listed(view, operation, [(found, one) for one in found.artifacts], path)


@route("GET", ACTIONS + "/artifacts", needs=READ)
def of_repository(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    every = [(run, one) for run in found.runs for one in run.artifacts]
    return _listed(view, operation, every, f"/repos/{found.full_name}/actions/artifacts")


@route("GET", ARTIFACT, needs=READ)
def artifact(view: View, operation: Operation) -> Reply:
    return Reply(200, described_artifact(view, *_found(view, operation)))


@route("DELETE", ARTIFACT, needs=WRITE)
def delete(view: View, operation: Operation) -> Reply:
    run, one = _found(view, operation)
    run.artifacts.remove(one)
    return Reply(204)


@route("GET", ARTIFACT + "/{archive_format}", needs=READ)
def download(view: View, operation: Operation) -> Reply:
    _, one = _found(view, operation)
    if operation.arguments["archive_format"] != "zip":
        raise Missing
    if _is_expired(view.world, one):
        raise Refused(410, EXPIRED)
    key = secrets.token_hex(20)
    view.world.blobs[key] = (one.content, view.world.clock.now + GOOD_FOR)
    # Another origin than the API's: a token that is sent along is refused there.
    port = urlsplit(view.world.url).port
    return Reply(302, None, {"Location": f"http://localhost:{port}/actions-results/{key}.zip"})


def described_artifact(view: View, run: Run, one: Artifact) -> dict[str, Any]:
    """Return an artifact."""
    api = f"{view.world.api}/repos/{run.repository.full_name}/actions/artifacts/{one.id}"
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.name,
        "size_in_bytes": len(one.content),
        "url": api,
        "archive_download_url": f"{api}/zip",
        "expired": _is_expired(view.world, one),
        "created_at": one.created,
        "updated_at": one.created,
        "expires_at": moment_text(one.expires),
        "digest": one.digest,
        "workflow_run": {
            "id": run.id,
            "repository_id": run.repository.id,
            "head_repository_id": run.repository.id,
            "head_branch": run.branch,
            "head_sha": run.sha,
        },
    }


def is_blob(path: str) -> bool:
    """Tell whether a request is for the store of artifacts."""
    return BLOB.fullmatch(path) is not None


def blob(request: web.Request, world: World) -> web.StreamResponse:
    """Give an artifact to who was sent here, and did not bring a token."""
    match = BLOB.fullmatch(request.path)
    assert match is not None
    content, until = world.blobs.get(match["key"], (b"", 0.0))
    if "Authorization" in request.headers or world.clock.now > until:
        return web.Response(status=403, text="Server failed to authenticate the request.")
    return web.Response(body=content, content_type="application/zip")


def _listed(
    view: View, operation: Operation, every: list[tuple[Run, Artifact]], path: str
) -> Reply:
    name = operation.query.get("name")
    shown = [one for one in every if name in (None, one[1].name)]
    newest_first = operation.query.get("direction", "desc") == "desc"
    shown.sort(key=lambda one: one[1].id, reverse=newest_first)
    return paged(
        view,
        operation,
        shown,
        path,
        lambda one: described_artifact(view, *one),
        under="artifacts",
    )


def _is_expired(world: World, one: Artifact) -> bool:
    return one.expired or world.clock.now >= one.expires


def _found(view: View, operation: Operation) -> tuple[Run, Artifact]:
    number = int(operation.arguments["artifact_id"])
    for run in repository_of(view, operation).runs:
        for one in run.artifacts:
            if one.id == number:
                return run, one
    raise Missing

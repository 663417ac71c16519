"""REST: pull requests and their files."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.describing import ends, own, own_pull, user
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Reply, named, paged, repository_of, route
from tests.furniture.github_world.state import Change, Pull, made_up_oid
from tests.furniture.github_world.view import View

MOST_FILES = 3000
READ = "pull_requests:read"


@route("GET", "/repos/{owner}/{repo}/pulls", needs=READ)
def pulls(view: View, operation: Operation) -> Reply:
    found = repository_of(view, operation)
    wanted = operation.query["state"]
    shown = [p for p in found.pulls if wanted == "all" or (p.state == "OPEN") == (wanted == "open")]
    by = "updated" if operation.query["sort"] == "updated" else "created"
    descending = operation.query.get("direction", "asc" if by == "updated" else "desc") == "desc"
    shown.sort(key=lambda p: (getattr(p, by), p.id), reverse=descending)
    path = f"/repos/{found.full_name}/pulls"
    return paged(
        view, operation, shown, path, lambda one: described(view, one, "pull-request-simple")
    )


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", needs=READ)
def pull(view: View, operation: Operation) -> Reply:
    return Reply(200, described(view, pull_of(view, operation), "pull-request"))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", needs=READ)
def files(view: View, operation: Operation) -> Reply:
    found = pull_of(view, operation)
    shown = found.changes[:MOST_FILES]
    path = f"/repos/{found.repository.full_name}/pulls/{found.number}/files"
    return paged(view, operation, shown, path, lambda change: file(view, found, change))


def pull_of(view: View, operation: Operation) -> Pull:
    """Return the pull request that is asked for. Raises Missing or Moved."""
    found = repository_of(view, operation).threads.get(int(operation.arguments["pull_number"]))
    if not isinstance(found, Pull):
        raise Missing
    return found


def described(view: View, one: Pull, kind: str) -> dict[str, Any]:
    """Return a pull request."""
    example = view.world.descriptions.openapi.example(kind, kind)
    body: dict[str, Any] = named(example, one.repository, view, number=one.number)
    for side, (repository, said) in ends(view, one).items():
        body[side].update(said)
        body[side]["repo"].update(own(repository, view), fork=repository is one.fork)
    body.update(own_pull(view, one))
    if kind == "pull-request":
        body.update(
            merged=one.merged is not None,
            merged_by=user(view, one.merged_by) if one.merged_by else None,
            changed_files=len(one.changes),
            commits=len(one.commits),
            comments=len(one.comments),
        )
    return body


def file(view: View, one: Pull, change: Change) -> dict[str, Any]:
    """Return a file of the diff."""
    oid = one.commits[-1].oid
    html = f"{view.world.url}/{one.repository.full_name}"
    api = f"{view.world.api}/repos/{one.repository.full_name}"
    body: dict[str, Any] = {
        "sha": made_up_oid(oid, change.path),
        "filename": change.path,
        "status": change.status,
        "additions": change.patch.count("\n+"),
        "deletions": change.patch.count("\n-"),
        "changes": change.patch.count("\n+") + change.patch.count("\n-"),
        "blob_url": f"{html}/blob/{oid}/{change.path}",
        "raw_url": f"{html}/raw/{oid}/{change.path}",
        "contents_url": f"{api}/contents/{change.path}?ref={oid}",
    }
    if change.patch:
        body["patch"] = change.patch
    if change.previous:
        body["previous_filename"] = change.previous
    return body

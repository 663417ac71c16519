"""REST: issues, and what issues and pull requests have in common."""

from __future__ import annotations

import re
from typing import Any

from tests.furniture.github_world.describing import links, own_issue
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import (
    Missing,
    Refused,
    Reply,
    Unprocessable,
    named,
    paged,
    repository_of,
    route,
)
from tests.furniture.github_world.state import Issue, Pull, Repository
from tests.furniture.github_world.view import View

READ = "issues:read|pull_requests:read"
ISSUES = "/repos/{owner}/{repo}/issues"
ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
DISABLED = "Issues are disabled for this repo"
LONGEST_BODY = 65_536
LONGEST_TITLE = 256
OPTIONAL = (
    "active_lock_reason",
    "assignee",
    "assignees",
    "closed_by",
    "milestone",
    "performed_via_github_app",
    "pinned_comment",
    "pull_request",
    "repository",
    "state_reason",
    "type",
)
"""What GitHub's example has and an issue need not have."""


@route("GET", ISSUES, needs="issues:read")
def issues(view: View, operation: Operation) -> Reply:
    found, query = _with_issues(view, operation), operation.query
    shown = [one for one in found.threads.values() if _wanted(one, query)]
    by = {"created": "created", "updated": "updated"}.get(query["sort"], "created")
    shown.sort(key=lambda one: (getattr(one, by), one.id), reverse=query["direction"] == "desc")
    path = f"/repos/{found.full_name}/issues"
    return paged(view, operation, shown, path, lambda one: described_issue(view, one))


@route("POST", ISSUES, needs="issues:write")
def create(view: View, operation: Operation) -> Reply:
    found, asked = _with_issues(view, operation), operation.body
    _check(asked)
    made = view.world.issue(found, str(asked["title"]), asked.get("body") or "", by=view.actor)
    view.world.label(made, *_names(asked.get("labels", ())), by=view.actor)
    return Reply(201, described_issue(view, made))


@route("GET", ISSUE, needs=READ)
def issue(view: View, operation: Operation) -> Reply:
    return Reply(200, described_issue(view, thread_of(view, operation)))


@route("PATCH", ISSUE, needs="issues:write|pull_requests:write")
def update(view: View, operation: Operation) -> Reply:
    found, asked = thread_of(view, operation), operation.body or {}
    _check({"title": found.title, **asked})
    if "title" in asked or "body" in asked:
        view.world.touch(found, asked.get("title"), body=asked.get("body"), by=view.actor)
    if asked.get("state") == "closed" and found.state == "OPEN":
        view.world.close(found, by=view.actor)
    if asked.get("state") == "open" and found.state == "CLOSED":
        view.world.reopen(found, by=view.actor)
    if "labels" in asked:
        names = _names(asked["labels"])
        for one in list(found.labels):
            if one.name not in names:
                view.world.unlabel(found, one.name, by=view.actor)
        view.world.label(found, *names, by=view.actor)
    return Reply(200, described_issue(view, found))


def thread_of(view: View, operation: Operation) -> Issue:
    """Return the issue or pull request that is asked for. Raises Missing, Moved or Refused."""
    found = repository_of(view, operation)
    thread = found.threads.get(int(operation.arguments["issue_number"]))
    if thread is None:
        raise Missing
    if not found.has_issues and not isinstance(thread, Pull):
        raise Refused(410, DISABLED)
    return thread


def described_issue(view: View, one: Issue) -> dict[str, Any]:
    """Return an issue, or a pull request as an issue."""
    example = view.world.descriptions.openapi.example("issue", "issue")
    body: dict[str, Any] = named(example, one.repository, view, number=one.number)
    for name in OPTIONAL:
        body.pop(name, None)
    body.update(own_issue(view, one), milestone=None, assignee=None, assignees=[])
    if isinstance(one, Pull):
        body["pull_request"] = links(view, one)
    return body


def _with_issues(view: View, operation: Operation) -> Repository:
    found = repository_of(view, operation)
    if not found.has_issues:
        raise Refused(410, DISABLED)
    return found


def _wanted(one: Issue, query: Any) -> bool:
    state = query["state"]
    if state != "all" and (one.state == "OPEN") != (state == "open"):
        return False
    if "since" in query and one.updated < query["since"]:
        return False
    login = ""
    if one.author is not None:
        login = f"{one.author.login}[bot]" if one.author.kind == "Bot" else one.author.login
    if "creator" in query and query["creator"].lower() not in (login.lower(),):
        return False
    wanted = [name.lower() for name in re.split(",", query.get("labels", "")) if name]
    return set(wanted) <= {label.name.lower() for label in one.labels}


def _names(given: Any) -> list[str]:
    return [one if isinstance(one, str) else one["name"] for one in given]


def _check(asked: dict[str, Any]) -> None:
    if not str(asked["title"]).strip():
        raise Unprocessable("Issue", "title", "missing_field")
    if len(str(asked["title"])) > LONGEST_TITLE:
        raise Unprocessable(
            "Issue", "title", "custom", "title is too long (maximum is 256 characters)"
        )
    check_body("Issue", asked.get("body") or "")


def check_body(resource: str, body: str) -> None:
    """Raise Unprocessable for a text that is too long."""
    if len(body) > LONGEST_BODY:
        said = "body is too long (maximum is 65536 characters)"
        raise Unprocessable(resource, "body", "custom", said)

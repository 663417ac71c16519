"""REST: comments under issues and pull requests."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.describing import own_comment
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
from tests.furniture.github_world.rest_threads import READ, check_body, thread_of
from tests.furniture.github_world.state import Comment, Issue
from tests.furniture.github_world.view import ROLES, View

WRITE = "issues:write|pull_requests:write"
UNDER = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
NOT_YOURS = "Must have admin rights to Repository."


@route("GET", UNDER, needs=READ)
def comments(view: View, operation: Operation) -> Reply:
    found, since = thread_of(view, operation), operation.query.get("since", "")
    shown = [one for one in found.comments if one.updated >= since]
    path = f"/repos/{found.repository.full_name}/issues/{found.number}/comments"
    return paged(view, operation, shown, path, lambda one: described_comment(view, found, one))


@route("POST", UNDER, needs=WRITE)
def create(view: View, operation: Operation) -> Reply:
    found = thread_of(view, operation)
    made = view.world.comment(found, _body(operation), by=view.actor)
    return Reply(201, described_comment(view, found, made))


@route("GET", COMMENT, needs=READ)
def comment(view: View, operation: Operation) -> Reply:
    return Reply(200, described_comment(view, *_found(view, operation)))


@route("PATCH", COMMENT, needs=WRITE)
def update(view: View, operation: Operation) -> Reply:
    found, one = _own(view, operation)
    view.world.edit_comment(found, one, _body(operation), by=view.actor)
    return Reply(200, described_comment(view, found, one))


@route("DELETE", COMMENT, needs=WRITE)
def delete(view: View, operation: Operation) -> Reply:
    view.world.delete_comment(*_own(view, operation), by=view.actor)
    return Reply(204)


def described_comment(view: View, issue: Issue, one: Comment) -> dict[str, Any]:
    """Return a comment."""
    example = view.world.descriptions.openapi.example("issue-comment", "issue-comment")
    body: dict[str, Any] = named(example, issue.repository, view, number=issue.number)
    body.update(own_comment(view, issue, one))
    return body


def _body(operation: Operation) -> str:
    body = str(operation.body["body"])
    if not body.strip():
        raise Unprocessable("IssueComment", "body", "missing_field")
    check_body("IssueComment", body)
    return body


def _found(view: View, operation: Operation) -> tuple[Issue, Comment]:
    number = int(operation.arguments["comment_id"])
    for thread in repository_of(view, operation).threads.values():
        for one in thread.comments:
            if one.id == number:
                return thread, one
    raise Missing


def _own(view: View, operation: Operation) -> tuple[Issue, Comment]:
    """Only who wrote it, or may write to the code, edits a comment."""
    thread, one = _found(view, operation)
    admin = view.grant is None and ROLES[view.role(thread.repository)] >= ROLES["write"]
    if one.author is not view.actor and not admin and view.grant is None:
        raise Refused(403, NOT_YOURS)
    return thread, one

"""GraphQL: issues, pull requests, and what hangs on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.furniture.github_world.connections import Connection, connection
from tests.furniture.github_world.graph import TYPES, Resolver, fields
from tests.furniture.github_world.state import (
    Change,
    Comment,
    Commit,
    Issue,
    Label,
    Pull,
    node_id,
)
from tests.furniture.github_world.view import View

STATUS = {"added": "ADDED", "removed": "DELETED", "modified": "MODIFIED", "renamed": "RENAMED"}
MOST_FILES = 3000


@dataclass(frozen=True)
class PullCommit:
    """A commit as part of a pull request."""

    commit: Commit


TYPES[Issue] = lambda _: "Issue"
TYPES[Pull] = lambda _: "PullRequest"
TYPES[Comment] = lambda _: "IssueComment"
TYPES[Label] = lambda _: "Label"
TYPES[Change] = lambda _: "PullRequestChangedFile"
TYPES[PullCommit] = lambda _: "PullRequestCommit"


def listed(typename: str, entries: Callable[[Any], list[Any]]) -> Resolver:
    """Return what gives a list that nobody reorders."""

    def resolve(
        one: Any, _: View, *, first: int, after: str | None = None, **__: Any
    ) -> Connection:
        return connection(typename, entries(one), first=first, after=after)

    return resolve


def closing(one: Pull, view: View, *, first: int, after: str | None = None, **_: Any) -> Connection:
    """Issues in repositories that the token does not see are not among them."""
    seen = [issue for issue in one.closes if view.sees(issue.repository)]
    return connection("IssueConnection", seen, first=first, after=after)


COMMON: dict[str, Resolver] = {
    "id": lambda one, _: one.node,
    "number": lambda one, _: one.number,
    "title": lambda one, _: one.title,
    "body": lambda one, _: one.body,
    "author": lambda one, _: one.author,
    "authorAssociation": lambda one, _: one.association,
    "createdAt": lambda one, _: one.created,
    "updatedAt": lambda one, _: one.updated,
    "state": lambda one, _: one.state,
    "repository": lambda one, _: one.repository,
    "labels": listed("LabelConnection", lambda one: one.labels),
    "comments": listed("IssueCommentConnection", lambda one: one.comments),
}
fields("Issue", **COMMON)
fields(
    "PullRequest",
    **COMMON,
    merged=lambda one, _: one.merged is not None,
    mergedAt=lambda one, _: one.merged,
    mergeCommit=lambda one, _: one.merge_commit,
    headRefName=lambda one, _: one.branch,
    baseRefName=lambda one, _: one.repository.default_branch,
    baseRefOid=lambda one, _: one.base_oid,
    changedFiles=lambda one, _: len(one.changes),
    files=listed("PullRequestChangedFileConnection", lambda one: one.changes[:MOST_FILES]),
    commits=listed("PullRequestCommitConnection", lambda one: [PullCommit(c) for c in one.commits]),
    closingIssuesReferences=closing,
)
fields("PullRequestCommit", commit=lambda one, _: one.commit)
fields(
    "PullRequestChangedFile",
    path=lambda one, _: one.path,
    changeType=lambda one, _: STATUS[one.status],
)
fields(
    "IssueComment",
    id=lambda one, _: node_id("IC", one.id),
    author=lambda one, _: one.author,
    body=lambda one, _: one.body,
    createdAt=lambda one, _: one.created,
)
fields(
    "Label",
    id=lambda one, _: one.node,
    name=lambda one, _: one.name,
    color=lambda one, _: one.color,
    description=lambda one, _: one.description,
)

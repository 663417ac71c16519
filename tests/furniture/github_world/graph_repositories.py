"""GraphQL: repositories, nodes by id, commits."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from tests.furniture.github_world.connections import Connection, connection
from tests.furniture.github_world.graph import TYPES, fields, not_found
from tests.furniture.github_world.rest import NO_ANSWER
from tests.furniture.github_world.state import Commit, Issue, Pull, Repository, node_id
from tests.furniture.github_world.view import View

TYPES[Repository] = lambda _: "Repository"
TYPES[Commit] = lambda _: "Commit"


def repository(
    _: Any,
    view: View,
    *,
    owner: str,
    name: str,
    followRenames: bool = True,  # noqa: N803
) -> Repository:
    asked = f"{owner}/{name}"
    found = view.world.repositories.get(asked.lower())
    renamed = found is not None and found.full_name.lower() != asked.lower()
    if found is None or not view.sees(found) or (renamed and not followRenames):
        raise not_found(f"Could not resolve to a Repository with the name '{asked}'.")
    return found


def node(_: Any, view: View, *, id: str) -> Any:  # noqa: A002
    for one in {r.id: r for r in view.world.repositories.values() if view.sees(r)}.values():
        things: list[Any] = [one, *one.threads.values()]
        for thing in things:
            if thing.node == id:
                return thing
        for commit in one.commits.values():
            if node_id("C", commit.oid) == id:
                return commit
    raise not_found(f"Could not resolve to a node with the global id of '{id}'")


def permitted(view: View, repository: Repository, needed: str) -> None:
    """Raise FORBIDDEN unless the token has a permission."""
    if not view.may(repository, needed):
        raise GraphQLError(NO_ANSWER, extensions={"type": "FORBIDDEN"})


def issue(one: Repository, view: View, *, number: int) -> Issue:
    permitted(view, one, "issues:read")
    found = one.threads.get(number)
    if found is None or isinstance(found, Pull):
        raise not_found(f"Could not resolve to an Issue with the number of {number}.")
    return found


def pulls(
    one: Repository,
    view: View,
    *,
    first: int,
    after: str | None = None,
    states: list[str] | None = None,
    orderBy: dict[str, str] | None = None,  # noqa: N803
) -> Connection:
    permitted(view, one, "pull_requests:read")
    order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
    descending = order["direction"] == "DESC"

    def key(pull: Pull) -> list[Any]:
        return [pull.updated if order["field"] == "UPDATED_AT" else pull.created, pull.id]

    found = [pull for pull in one.pulls if states is None or pull.state in states]
    found.sort(key=key, reverse=descending)
    return connection(
        "PullRequestConnection",
        found,
        first=first,
        after=after,
        key=key if view.world.keyset_cursors else None,
        descending=descending,
    )


def commit_named(view: View, oid: str) -> Commit:
    for one in view.world.repositories.values():
        if oid in one.commits:
            return one.commits[oid]
    raise KeyError(f"no commit {oid}: make it with the pull request")


def parents(one: Commit, view: View, *, first: int, after: str | None = None) -> Connection:
    found = [commit_named(view, oid) for oid in one.parents]
    return connection("CommitConnection", found, first=first, after=after)


def history(one: Commit, view: View, *, first: int, after: str | None = None) -> Connection:
    """Along the first parents only: enough for histories that are linear here."""
    found = [one]
    while found[-1].parents:
        found.append(commit_named(view, found[-1].parents[0]))
    return connection("CommitHistoryConnection", found, first=first, after=after)


fields("Query", repository=repository, node=node)
fields(
    "Repository",
    id=lambda one, _: one.node,
    nameWithOwner=lambda one, _: one.full_name,
    isPrivate=lambda one, _: one.private,
    issue=issue,
    pullRequests=pulls,
)
fields(
    "Commit",
    id=lambda one, _: node_id("C", one.oid),
    oid=lambda one, _: one.oid,
    message=lambda one, _: one.message,
    messageHeadline=lambda one, _: one.headline,
    authoredDate=lambda one, _: one.authored,
    parents=parents,
    history=history,
)

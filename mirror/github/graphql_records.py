"""From what GraphQL answers to records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mirror.github.bases import base_of, nodes
from mirror.keywords import message_links
from storage.records import Comment, Issue, Link, PullRequest

NOBODY = "ghost"
"""Who GitHub says wrote what a deleted account left."""

MOST_MENTIONS = 50
"""More than this is a changelog or an attack, no report on a fix."""
TICKS = re.compile("`{4,}")

Node = Mapping[str, Any]


def pull_of(node: Node, repository: str) -> PullRequest | None:
    """Return the record of a pull request; None when GitHub names no commit that merged it."""
    merge = node["mergeCommit"]
    if merge is None:
        return None
    commits = [one["commit"] for one in nodes(node, "commits")]
    author, bot = _who(node)
    return PullRequest(
        repository=repository,
        commit=merge["oid"],
        base=base_of(merge, commits, fallback=node["baseRefOid"]) or node["baseRefOid"],
        number=node["number"],
        title=node["title"],
        body=node["body"],
        author=author,
        association=node["authorAssociation"],
        bot=bot,
        branch=node["headRefName"],
        labels=_labels(node),
        created=node["createdAt"],
        merged=node["mergedAt"],
        updated=node["updatedAt"],
        files=tuple(sorted(one["path"] for one in nodes(node, "files"))),
        commits=tuple(one["oid"] for one in commits),
        links=links_of(node, repository),
    )


def links_of(node: Node, repository: str) -> tuple[Link, ...]:
    """Return the issues that a pull request closes, then those it only names."""
    closed = nodes(node, "closingIssuesReferences")
    links = [
        Link(
            repository=one["repository"]["nameWithOwner"],
            number=one["number"],
            evidence="closing-reference",
            marks=_marks(one, node),
        )
        for one in closed
    ]
    known = {(link.repository.lower(), link.number) for link in links}
    known.add((repository.lower(), node["number"]))
    return (*links, *_mentions(node, repository, known))


def _mentions(node: Node, repository: str, known: set[tuple[str, int]]) -> list[Link]:
    """Return links to what is named, whatever the words: GitHub has said what is closed. Whether
    ``#12`` is an issue cannot be told from the text; a higher number came later."""
    # A person writes no more than three in a row; pairing hundreds takes a matcher forever.
    text = TICKS.sub("```", f"{node['title']}\n\n{node['body']}")
    found: dict[tuple[str, int], Link] = {}
    for link in message_links(text, repository):
        key = (link.repository.lower(), link.number)
        if key in known or key in found:
            continue
        late = link.repository == repository and link.number > node["number"]
        found[key] = replace(link, evidence="mention", marks=("late",) if late else ())
        if len(found) == MOST_MENTIONS:
            break
    return list(found.values())


def issues_of(node: Node) -> list[Issue]:
    """Return the issues that a pull request closes."""
    return [
        issue_of(one, one["repository"]["nameWithOwner"])
        for one in nodes(node, "closingIssuesReferences")
    ]


def issue_of(node: Node, repository: str) -> Issue:
    """Return the record of an issue."""
    author, bot = _who(node)
    return Issue(
        repository=repository,
        number=node["number"],
        title=node["title"],
        body=node["body"],
        author=author,
        bot=bot,
        created=node["createdAt"],
        labels=_labels(node),
        comments=tuple(_comment(one) for one in nodes(node, "comments")),
    )


def _comment(node: Node) -> Comment:
    author, bot = _who(node)
    return Comment(author=author, bot=bot, created=node["createdAt"], body=node["body"])


def _marks(issue: Node, pull: Node) -> tuple[str, ...]:
    late = issue["createdAt"] > pull["createdAt"]
    return tuple(["late"] * late + ["bot"] * _who(issue)[1])


def _labels(node: Node) -> tuple[str, ...]:
    return tuple(one["name"] for one in nodes(node, "labels"))


def _who(node: Node) -> tuple[str, bool]:
    """Return who wrote something, and whether GitHub says it is a program: a name ending in
    ``[bot]`` proves nothing, anybody may have it in another forge's mirror."""
    author = node["author"]
    return (author["login"], author["__typename"] == "Bot") if author else (NOBODY, False)

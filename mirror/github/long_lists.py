"""Go on with the lists that did not fit into an answer, many in one query, only where needed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from mirror.github.bases import base_of, nodes
from mirror.github.client import GitHub
from mirror.github.queries import LISTS_AT_ONCE, Unfinished, follow_up

log = logging.getLogger(__name__)

MOST_ROUNDS = 40
"""GitHub names at most 3,000 files of a pull request: 30 rounds."""

Node = dict[str, Any]
LISTS = {
    "PullRequest": ("labels", "files", "commits", "closingIssuesReferences"),
    "Issue": ("labels", "comments"),
}


async def complete(
    github: GitHub, *, pulls: Iterable[Node] = (), issues: Iterable[Node] = (), what: str
) -> None:
    """Fill in what is missing from answered pull requests and issues, in place."""
    pulls, issues = list(pulls), list(issues)
    for _ in range(MOST_ROUNDS):
        batch = list(islice(find_unfinished_lists(pulls, issues), LISTS_AT_ONCE))
        if not batch:
            return
        asked = [one for _, one in batch]
        variables: dict[str, Any] = {}
        for n, (node, one) in enumerate(batch):
            variables[f"i{n}"] = node["id"]
            variables[f"c{n}"] = (node.get(one.field) or {}).get("pageInfo", {}).get("endCursor")
        data = await github.graphql(follow_up(asked), variables, what=what)
        for n, (node, one) in enumerate(batch):
            extend(node, one.field, data.get(f"n{n}"))
    log.warning("some lists of %s are too long; the rest of them is left out", what)


def find_unfinished_lists(
    pulls: Iterable[Node], issues: Iterable[Node] = ()
) -> Iterator[tuple[Node, Unfinished]]:
    """Give what hangs together with a list that goes on, and which list it is."""
    for pull in pulls:
        yield from _lists("PullRequest", pull)
        yield from _history(pull)
        for issue in nodes(pull, "closingIssuesReferences"):
            yield from _lists("Issue", issue)
    for issue in issues:
        yield from _lists("Issue", issue)


def extend(node: Node, field: str, answer: Node | None) -> None:
    """Add an answer to a list. What is gone meanwhile stays as it is known."""
    more = (answer or {}).get(field) or {"nodes": [], "pageInfo": {"hasNextPage": False}}
    known = node.get(field) or {"nodes": []}
    entries = [*(known.get("nodes") or []), *(more.get("nodes") or [])]
    node[field] = {"nodes": entries, "pageInfo": more["pageInfo"]}


def _lists(kind: str, node: Node) -> Iterator[tuple[Node, Unfinished]]:
    for field in LISTS[kind]:
        if ((node.get(field) or {}).get("pageInfo") or {}).get("hasNextPage"):
            yield node, Unfinished(type=kind, field=field)


def _history(pull: Node) -> Iterator[tuple[Node, Unfinished]]:
    """The history of a long rebased branch: without it there is no telling what it lies on."""
    merge = pull["mergeCommit"]
    if merge is None or (pull["commits"]["pageInfo"]["hasNextPage"]):
        return
    commits = [one["commit"] for one in nodes(pull, "commits")]
    if base_of(merge, commits, fallback="") is None:
        yield merge, Unfinished(type="Commit", field="history")

"""What a merged pull request was applied to, from the commits around its merge commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]


def nodes(node: Node, field: str) -> list[Any]:
    """Return the entries of a list; what the token may not see is left out."""
    return [one for one in ((node.get(field) or {}).get("nodes") or []) if one]


def base_of(merge: Node, commits: Sequence[Node], *, fallback: str) -> str | None:
    """Return the commit such that base..merge is the pull request's diff; None when the history
    of the merge commit has to be fetched to tell.

    A merge or squash commit lies on its first parent. A rebased branch, or one that was pushed to
    the main branch, lies on the parent of its first commit: GitHub names only the last one, so the
    others are known by what rebasing keeps, headline and author's date.
    """
    parents = nodes(merge, "parents")
    if len(parents) != 1:
        return str(parents[0]["oid"]) if parents else ""
    own = {_identity(commit) for commit in commits}
    if len(commits) < 2 or _identity(merge) not in own:
        return str(parents[0]["oid"])
    chain = nodes(merge, "history") or _ancestry(merge)
    for position, commit in enumerate(chain):
        if _identity(commit) not in own or position == len(commits):
            return str(commit["oid"])
    return fallback if "history" in merge else None


def _ancestry(merge: Node) -> list[Node]:
    chain, commit = [merge], merge
    while parents := nodes(commit, "parents"):
        commit = parents[0]
        chain.append(commit)
    return chain


def _identity(commit: Node) -> tuple[str, str]:
    return commit["messageHeadline"], commit["authoredDate"]

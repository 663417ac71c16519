"""Which pull requests have a label or a commit, and who set the label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mirror.github.client import GitHub
from storage.errors import GitHubMissing

Json = Mapping[str, Any]


async def labelled_pulls(github: GitHub, repository: str, label: str) -> list[int]:
    """Return the numbers of the pull requests that have a label now. Raises GitHubError."""
    found: set[int] = set()
    asked = {"labels": label, "state": "all"}
    what = f"what has the label {label} in {repository}"
    try:
        async for page in github.pages(f"{_at(repository)}/issues", asked, what=what, cached=True):
            found |= {one["number"] for one in page if one.get("pull_request")}
    except GitHubMissing:
        # Where issues are switched off, GitHub does not list pull requests as issues either.
        return []
    return sorted(found)


async def who_labelled(github: GitHub, repository: str, number: int, label: str) -> str:
    """Return the login of who last put a label on an issue or pull request.

    Empty where that was a program, or is no longer known. Raises GitHubError.
    """
    path = f"{_at(repository)}/issues/{number}/events"
    what = f"the events of {repository}#{number}"
    last: Json = {}
    async for page in github.pages(path, what=what, cached=True):
        for one in page:
            if one["event"] == "labeled" and one["label"]["name"].casefold() == label.casefold():
                last = one
    actor = last.get("actor") or {}
    return actor["login"] if actor.get("type") == "User" else ""


async def pulls_of_commit(github: GitHub, repository: str, commit: str) -> list[int]:
    """Return the numbers of the pull requests that a commit is part of. Raises GitHubError."""
    found: list[int] = []
    what = f"the pull requests of {commit[:12]} in {repository}"
    async for page in github.pages(f"{_at(repository)}/commits/{commit}/pulls", what=what):
        found += [one["number"] for one in page]
    return found


def _at(repository: str) -> str:
    return f"/repos/{quote(repository)}"

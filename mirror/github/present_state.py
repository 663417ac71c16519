"""The present state of what a webhook only hints at: repositories, labels, pulls, rights."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mirror.github.client import GitHub
from storage.errors import GitHubError, GitHubMissing

ROLES = ("admin", "maintain", "write", "triage", "read", "none")
"""What somebody may do in a repository, most first."""
TOO_LARGE = "{path} of {repository} is larger than GitHub shows; make it smaller"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubRepository:
    """A repository as GitHub has it now."""

    id: int
    name: str
    """``owner/name``; another than was asked for when it was renamed or transferred."""
    private: bool
    archived: bool
    disabled: bool
    fork: bool
    default_branch: str
    permissions: frozenset[str] = frozenset()
    """What the token may do: ``admin``, ``push``, ``pull`` …; empty when GitHub does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request as it is now."""

    number: int
    title: str
    open: bool
    merged: bool
    merge_commit: str
    """Of a merged one; empty before."""
    head: str
    """The commit to be merged."""
    base: str = ""
    """The newest commit of the branch that it goes into, as GitHub last saw it."""
    from_fork: bool
    author: str
    bot: bool
    labels: frozenset[str]
    updated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A comment on an issue or pull request, as it is now."""

    id: int
    number: int
    """Of what it is on."""
    author: str
    bot: bool
    body: str
    created: str
    updated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubInstallation:
    """A place where the App is installed."""

    id: int
    account: str
    kind: str
    """Of the account: ``User`` or ``Organization``."""
    suspended: bool
    every_repository: bool
    """Not only chosen ones."""
    permissions: Mapping[str, str]
    events: frozenset[str]


async def look_at_repository(github: GitHub, repository: str | int) -> GitHubRepository:
    """Return a repository by name, or by id, which no renaming changes. Raises GitHubError."""
    path = f"/repositories/{repository}" if isinstance(repository, int) else _at(repository)
    answer = await github.get(path, what=f"repository {repository}", cached=True)
    return _parse_repository(answer.data)


async def labels(github: GitHub, repository: str) -> frozenset[str]:
    """Return the names of a repository's labels. Raises GitHubError."""
    found: list[str] = []
    what = f"labels of {repository}"
    async for page in github.pages(f"{_at(repository)}/labels", what=what, cached=True):
        found += [one["name"] for one in page]
    return frozenset(found)


async def has_label(github: GitHub, repository: str, label: str) -> bool:
    """Tell whether a repository has a label; GitHub does not heed the case. Raises GitHubError."""
    path = f"{_at(repository)}/labels/{quote(label, safe='')}"
    try:
        await github.get(path, what=f"label {label} of {repository}", cached=True)
    except GitHubMissing:
        return False
    return True


async def look_at_pull(github: GitHub, repository: str, number: int) -> Pull:
    """Return a pull request. Raises GitHubError."""
    what = f"{repository}#{number}"
    one = (await github.get(f"{_at(repository)}/pulls/{number}", what=what, cached=True)).data
    author, bot = who(one)
    # Of an open one GitHub names a merge that it only tried.
    merge = one["merge_commit_sha"] if one["merged"] else None
    head = one["head"]["repo"]
    return Pull(
        number=one["number"],
        title=one["title"],
        open=one["state"] == "open",
        merged=one["merged"],
        merge_commit=merge or "",
        head=one["head"]["sha"],
        base=one["base"]["sha"],
        from_fork=head is None or head["id"] != one["base"]["repo"]["id"],
        author=author,
        bot=bot,
        labels=frozenset(label["name"] for label in one["labels"]),
        updated=one["updated_at"],
    )


async def look_at_comment(github: GitHub, repository: str, comment: int) -> Said:
    """Return a comment on an issue or pull request. Raises GitHubError."""
    path = f"{_at(repository)}/issues/comments/{comment}"
    one = (await github.get(path, what=f"comment {comment} in {repository}", cached=True)).data
    return parse_comment(one)


async def permission(github: GitHub, repository: str, login: str) -> str:
    """Return what somebody may do in a repository, one of ROLES. Raises GitHubError."""
    path = f"{_at(repository)}/collaborators/{quote(login, safe='')}/permission"
    try:
        answer = await github.get(path, what=f"the rights of {login} in {repository}")
    except GitHubMissing:
        return "none"
    # An organization's own roles have names of their own; each is built on one of these.
    found = [answer.data.get("role_name"), answer.data.get("permission")]
    return next((str(role) for role in found if role in ROLES), "none")


async def file_at(github: GitHub, repository: str, path: str, ref: str) -> bytes | None:
    """Return a file at a commit, branch or tag; None when there is none. Raises GitHubError."""
    what = f"{path} of {repository}"
    try:
        at = f"{_at(repository)}/contents/{quote(path)}"
        found = (await github.get(at, {"ref": ref}, what=what, cached=True)).data
    except GitHubMissing:
        return None
    if not isinstance(found, dict) or found.get("type") != "file":
        return None
    if found.get("encoding") != "base64":
        raise GitHubError(TOO_LARGE.format(path=path, repository=repository))
    return base64.b64decode(found["content"])


async def installations(as_app: GitHub) -> list[GitHubInstallation]:
    """Return where the App is installed. Raises GitHubError."""
    found: list[GitHubInstallation] = []
    async for page in as_app.pages("/app/installations", what="the App's installations"):
        found += [_installation(one) for one in page]
    return found


async def look_at_installation(as_app: GitHub, installation: int) -> GitHubInstallation:
    """Return a place where the App is installed. Raises GitHubError."""
    what = f"installation {installation}"
    return _installation((await as_app.get(f"/app/installations/{installation}", what=what)).data)


async def installation_of(as_app: GitHub, repository: int) -> GitHubInstallation | None:
    """Return the installation that covers a repository; None for none. Raises GitHubError.

    What is public can be seen by every installation, also by one that does not cover it.
    """
    what = f"the installation of repository {repository}"
    try:
        answer = await as_app.get(f"/repositories/{repository}/installation", what=what)
    except GitHubMissing:
        return None
    return _installation(answer.data)


async def branch_head(github: GitHub, repository: str, branch: str) -> str:
    """Return the newest commit of a branch; empty where there is none. Raises GitHubError."""
    path = f"{_at(repository)}/branches/{quote(branch, safe='')}"
    try:
        answer = await github.get(path, what=f"branch {branch} of {repository}", cached=True)
    except GitHubMissing:
        return ""
    return str(answer.data["commit"]["sha"])


async def installation_repositories(github: GitHub) -> list[GitHubRepository]:
    """Return the repositories that an installation may see. Raises GitHubError."""
    found: dict[int, GitHubRepository] = {}
    what = "the repositories of the installation"
    async for page in github.pages("/installation/repositories", what=what, cached=True):
        # One may show up twice, where another went while the pages were read.
        found |= {one["id"]: _parse_repository(one) for one in page["repositories"]}
    return list(found.values())


def who(one: Json) -> tuple[str, bool]:
    """Return who wrote something, and whether that is a program."""
    user = one.get("user") or {"login": "ghost", "type": "User"}
    return user["login"], user["type"] == "Bot"


def parse_comment(one: Json) -> Said:
    """Return a comment from GitHub's JSON."""
    author, bot = who(one)
    return Said(
        id=one["id"],
        number=int(one["issue_url"].rpartition("/")[2]),
        author=author,
        bot=bot,
        body=one.get("body") or "",
        created=one["created_at"],
        updated=one["updated_at"],
    )


def _parse_repository(one: Json) -> GitHubRepository:
    return GitHubRepository(
        id=one["id"],
        name=one["full_name"],
        private=one["private"],
        archived=bool(one.get("archived")),
        disabled=bool(one.get("disabled")),
        fork=one["fork"],
        default_branch=one["default_branch"],
        permissions=frozenset(k for k, may in (one.get("permissions") or {}).items() if may),
    )


def _installation(one: Json) -> GitHubInstallation:
    account = one.get("account") or {}
    return GitHubInstallation(
        id=one["id"],
        account=account.get("login") or account.get("slug") or "",
        kind=account.get("type") or "Enterprise",
        suspended=one.get("suspended_at") is not None,
        every_repository=one.get("repository_selection") == "all",
        permissions=dict(one.get("permissions") or {}),
        events=frozenset(one.get("events") or ()),
    )


def _at(repository: str) -> str:
    return f"/repos/{quote(repository)}"

"""What the world holds: users, repositories, issues, pull requests, commits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.furniture.github_world.actions import Run


@dataclass(frozen=True, kw_only=True)
class User:
    """An account. The login of a bot is without ``[bot]``, as GraphQL has it."""

    id: int
    login: str
    kind: Literal["User", "Bot", "Organization"] = "User"


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit, of a real git repository where there is one."""

    oid: str
    parents: tuple[str, ...]
    message: str
    authored: str

    @property
    def headline(self) -> str:
        return self.message.partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A file that a pull request changes."""

    path: str
    status: Literal["added", "removed", "modified", "renamed"] = "modified"
    previous: str = ""
    patch: str = ""


@dataclass(kw_only=True)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None

    @property
    def node(self) -> str:
        return node_id("LA", self.id)


@dataclass(kw_only=True)
class Comment:
    """What somebody said under an issue or pull request."""

    id: int
    author: User | None
    body: str
    created: str
    updated: str
    association: str = "NONE"

    @property
    def node(self) -> str:
        return node_id("IC", self.id)


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """Somebody put a label on an issue or pull request, or took it off."""

    id: int
    event: Literal["labeled", "unlabeled"]
    actor: User | None
    label: str
    color: str
    created: str

    @property
    def node(self) -> str:
        return node_id("LE", self.id)


@dataclass(kw_only=True)
class Issue:
    """An issue. No author is an account that was deleted."""

    id: int
    repository: Repository
    number: int
    title: str
    body: str
    author: User | None
    created: str
    updated: str
    association: str = "NONE"
    state: str = "OPEN"
    closed: str | None = None
    labels: list[Label] = field(default_factory=list)
    labellings: list[Labelling] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def node(self) -> str:
        return node_id("I", self.id)


@dataclass(kw_only=True)
class Pull(Issue):
    """A pull request."""

    branch: str = "patch"
    fork: Repository | None = None
    """Where the branch is, when it is not in the repository itself."""
    base_oid: str = ""
    """Where the base branch was when GitHub last looked."""
    commits: list[Commit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closes: list[Issue] = field(default_factory=list)
    merged: str | None = None
    merged_by: User | None = None
    merge_commit: Commit | None = None

    @property
    def node(self) -> str:
        return node_id("PR", self.id)

    @property
    def head(self) -> str:
        """The commit that the pull request ends in."""
        return self.commits[-1].oid


@dataclass(frozen=True, kw_only=True)
class CheckSuite:
    """What an App checks of one commit."""

    id: int
    app_id: int
    sha: str
    created: str


@dataclass(kw_only=True)
class CheckRun:
    """A check of a commit, by an App."""

    id: int
    repository: Repository
    suite: CheckSuite
    name: str
    sha: str
    started: str
    status: str = "queued"
    conclusion: str | None = None
    completed: str | None = None
    external_id: str = ""
    details_url: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def node(self) -> str:
        return node_id("CR", self.id)


@dataclass(kw_only=True)
class Repository:
    """A repository; its code is in ``git`` where it has any."""

    id: int
    owner: User
    name: str
    created: str
    private: bool = False
    archived: bool = False
    has_issues: bool = True
    blocked: bool = False
    """Taken down for a legal reason: 451."""
    default_branch: str = "main"
    threads: dict[int, Issue] = field(default_factory=dict)
    """Issues and pull requests, which are counted together."""
    commits: dict[str, Commit] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    """By name in lower case."""
    checks: list[CheckRun] = field(default_factory=list)
    workflows: dict[str, int] = field(default_factory=dict)
    """Ids of workflow files, by path."""
    runs: list[Run] = field(default_factory=list)
    git: Path | None = None
    roles: dict[str, str] = field(default_factory=dict)
    """Of collaborators, by login in lower case: read, triage, write, maintain, admin."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def node(self) -> str:
        return node_id("R", self.id)

    @property
    def pulls(self) -> list[Pull]:
        return [one for one in self.threads.values() if isinstance(one, Pull)]


def node_id(prefix: str, number: int | str) -> str:
    """Return an id as GraphQL gives it: opaque, but telling apart what it is of."""
    return f"{prefix}_kw{number}"


def made_up_oid(*parts: object) -> str:
    """Return the id of a commit that is in no git repository."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()

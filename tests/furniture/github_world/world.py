"""The world as a test handles it: make things in it, and see what was asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import Faults
from tests.furniture.github_world.rates import Rates
from tests.furniture.github_world.state import (
    Change,
    Comment,
    Commit,
    Issue,
    Label,
    Pull,
    Repository,
    User,
    made_up_oid,
)

TOKEN = "ghp_worldtoken0000000000000000000000000"
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
MINUTE = 60.0

How = Literal["merge", "squash", "rebase", "push"]


@dataclass
class Clock:
    """Time that passes only when told to, or when somebody sleeps."""

    now: float = BEGINNING
    slept: list[float] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def text(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    status: int
    nodes: int = 0
    """Of a GraphQL query: the nodes it could give."""
    cost: int = 0


class World:
    """Everything there is. Whatever is made in it takes a minute."""

    def __init__(self, descriptions: Descriptions, *, enterprise: bool = False) -> None:
        self.descriptions = descriptions
        self.enterprise = enterprise
        self.clock = Clock()
        self.faults = Faults()
        self.rates = Rates()
        self.tokens = {TOKEN: "octocat"}
        self.keyset_cursors = True
        """Cursors name a place in the order, as GitHub's do today; else a position in the list."""
        self.users: dict[str, User] = {}
        self.repositories: dict[str, Repository] = {}
        """By full name in lower case; a renamed one also by its old name."""
        self.asked: list[Asked] = []
        self.complaints: list[str] = []
        self.url = ""
        self._ids = 0

    @property
    def api(self) -> str:
        """The base URL of the REST API."""
        return f"{self.url}/api/v3" if self.enterprise else self.url

    def complain(self, text: str) -> None:
        """Note what GitHub does not have, or is not built here."""
        self.complaints.append(text)

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def tick(self) -> str:
        """Let a minute pass, and return the time."""
        self.clock.now += MINUTE
        return self.clock.text

    def user(self, login: str, kind: Literal["User", "Bot", "Organization"] = "User") -> User:
        """Return the user of that name."""
        if login not in self.users:
            self.users[login] = User(id=self.next_id(), login=login, kind=kind)
        return self.users[login]

    def repository(self, full_name: str, *, private: bool = False) -> Repository:
        """Make a repository without code."""
        owner, _, name = full_name.partition("/")
        made = Repository(
            id=self.next_id(),
            owner=self.user(owner, "Organization"),
            name=name,
            created=self.tick(),
            private=private,
        )
        self.repositories[full_name.lower()] = made
        return made

    def rename(self, repository: Repository, name: str) -> None:
        """Rename a repository; the old name leads to it."""
        repository.name = name
        self.repositories[repository.full_name.lower()] = repository

    def issue(
        self,
        repository: Repository,
        title: str = "It is broken",
        body: str = "Steps to reproduce",
        *,
        by: User | None = None,
        labels: Iterable[str] = (),
    ) -> Issue:
        """Open an issue."""
        now = self.tick()
        made = Issue(
            id=self.next_id(),
            repository=repository,
            number=len(repository.threads) + 1,
            title=title,
            body=body,
            author=by or self.user("reporter"),
            created=now,
            updated=now,
            labels=[Label(name=name) for name in labels],
        )
        repository.threads[made.number] = made
        return made

    def comment(self, issue: Issue, body: str, *, by: User | None = None) -> Comment:
        """Comment on an issue or pull request."""
        issue.updated = self.tick()
        made = Comment(
            id=self.next_id(), author=by or self.user("other"), body=body, created=issue.updated
        )
        issue.comments.append(made)
        return made

    def pull(
        self,
        repository: Repository,
        title: str = "Fix it",
        body: str = "",
        *,
        closes: Iterable[Issue] = (),
        by: User | None = None,
        labels: Iterable[str] = (),
        branch: str = "patch",
        association: str = "CONTRIBUTOR",
        changes: Sequence[Change] = (Change(path="src/a.py"), Change(path="tests/test_a.py")),
        commits: Sequence[Commit] | int = 1,
    ) -> Pull:
        """Open a pull request: with real commits, or with so many made-up ones."""
        now = self.tick()
        number = len(repository.threads) + 1
        if isinstance(commits, int):
            commits = [self._made_up(repository, number, n) for n in range(commits)]
        for commit in commits:
            repository.commits[commit.oid] = commit
        made = Pull(
            id=self.next_id(),
            repository=repository,
            number=number,
            title=title,
            body=body,
            author=by or self.user("author"),
            created=now,
            updated=now,
            labels=[Label(name=name) for name in labels],
            association=association,
            branch=branch,
            base_oid=self.head(repository).oid,
            commits=list(commits),
            changes=list(changes),
            closes=list(closes),
        )
        repository.threads[number] = made
        return made

    def head(self, repository: Repository) -> Commit:
        """Return the newest commit of the main branch of a repository without code."""
        if not repository.commits:
            first = Commit(
                oid=made_up_oid(repository.id), parents=(), message="Start", authored=self.tick()
            )
            repository.commits[first.oid] = first
        merged = [p for p in repository.pulls if p.merge_commit is not None]
        last = max(merged, key=lambda p: p.merged or "", default=None)
        return (last and last.merge_commit) or next(iter(repository.commits.values()))

    def merge(
        self, pull: Pull, how: How = "squash", *, commits: Sequence[Commit] | None = None
    ) -> Pull:
        """Merge a pull request. ``commits`` are what git made of it, the last the merge commit."""
        made = list(commits or self._merged(pull, how))
        for commit in made:
            pull.repository.commits[commit.oid] = commit
        now = self.tick()
        pull.state, pull.merged, pull.updated, pull.merge_commit = "MERGED", now, now, made[-1]
        for issue in pull.closes:
            issue.state, issue.updated = "CLOSED", now
        return pull

    def touch(self, issue: Issue, title: str | None = None) -> None:
        """Edit an issue or pull request."""
        issue.title = title or issue.title
        issue.updated = self.tick()

    def _made_up(self, repository: Repository, number: int, n: int) -> Commit:
        return Commit(
            oid=made_up_oid(repository.id, number, n),
            parents=(self.head(repository).oid,),
            message=f"Part {n} of {number}\n\nAt length.",
            authored=self.tick(),
        )

    def _merged(self, pull: Pull, how: How) -> list[Commit]:
        head = self.head(pull.repository).oid
        oid = made_up_oid(pull.repository.id, pull.number, how)
        message = f"{pull.title} (#{pull.number})"
        if how == "merge":
            parents = (head, pull.commits[-1].oid)
            return [Commit(oid=oid, parents=parents, message=message, authored=self.tick())]
        if how == "squash":
            return [Commit(oid=oid, parents=(head,), message=message, authored=self.tick())]
        made: list[Commit] = []
        for n, commit in enumerate(pull.commits):
            new = commit.oid if how == "push" else made_up_oid(oid, n)
            made.append(replace(commit, oid=new, parents=(head,)))
            head = new
        return made

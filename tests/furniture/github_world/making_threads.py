"""Issues and pull requests as people open, edit and merge them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from tests.furniture.github_world.base import Base
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

How = Literal["merge", "squash", "rebase", "push"]


class Threads(Base):
    """What happens to issues and pull requests."""

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

"""Issues and pull requests as people open, edit and merge them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from tests.furniture.github_world.making_labels import Labels
from tests.furniture.github_world.state import (
    Change,
    Comment,
    Commit,
    Issue,
    Pull,
    Repository,
    User,
    made_up_oid,
)

How = Literal["merge", "squash", "rebase", "push"]


class Threads(Labels):
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
            labels=[self.label_of(repository, name) for name in labels],
        )
        repository.threads[made.number] = made
        self._thread_told("opened", made, made.author)
        return made

    def comment(self, issue: Issue, body: str, *, by: User | None = None) -> Comment:
        """Comment on an issue or pull request."""
        now = issue.updated = self.tick()
        author = by or self.user("other")
        made = Comment(id=self.next_id(), author=author, body=body, created=now, updated=now)
        issue.comments.append(made)
        self._comment_told("created", issue, made, author)
        return made

    def edit_comment(
        self, issue: Issue, comment: Comment, body: str, *, by: User | None = None
    ) -> None:
        """Edit a comment; by default its author does."""
        old, comment.body = comment.body, body
        comment.updated = issue.updated = self.tick()
        who = by or comment.author or self.user("ghost")
        self._comment_told("edited", issue, comment, who, changes={"body": {"from": old}})

    def delete_comment(self, issue: Issue, comment: Comment, *, by: User | None = None) -> None:
        """Delete a comment."""
        issue.updated = self.tick()
        issue.comments.remove(comment)
        self._comment_told("deleted", issue, comment, self.person(by, issue.repository))

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
        fork: Repository | None = None,
    ) -> Pull:
        """Open a pull request: with real commits, or with so many made-up ones; of a branch of
        this repository, or of a fork."""
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
            labels=[self.label_of(repository, name) for name in labels],
            association=association,
            branch=branch,
            fork=fork,
            base_oid=self.head(repository).oid,
            commits=list(commits),
            changes=list(changes),
            closes=list(closes),
        )
        repository.threads[number] = made
        self._thread_told("opened", made, made.author)
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
        self,
        pull: Pull,
        how: How = "squash",
        *,
        commits: Sequence[Commit] | None = None,
        by: User | None = None,
    ) -> Pull:
        """Merge a pull request. ``commits`` are what git made of it, the last the merge commit."""
        made = list(commits or self._merged(pull, how))
        for commit in made:
            pull.repository.commits[commit.oid] = commit
        now = self.tick()
        pull.state, pull.merged, pull.updated, pull.merge_commit = "MERGED", now, now, made[-1]
        pull.closed, pull.merged_by = now, self.person(by, pull.repository)
        self._thread_told("closed", pull, pull.merged_by)
        for issue in pull.closes:
            self.close(issue, by=pull.merged_by)
        return pull

    def synchronize(
        self,
        pull: Pull,
        commits: Sequence[Commit],
        changes: Sequence[Change],
        *,
        by: User | None = None,
    ) -> None:
        """Let the branch of a pull request have these commits now."""
        before, pull.commits, pull.changes = pull.head, list(commits), list(changes)
        for commit in commits:
            pull.repository.commits[commit.oid] = commit
        pull.updated = self.tick()
        who = by or pull.author
        self._thread_told("synchronize", pull, who, before=before, after=pull.head)

    def close(self, issue: Issue, *, by: User | None = None) -> None:
        """Close an issue, or a pull request without merging it."""
        now = self.tick()
        issue.state, issue.closed, issue.updated = "CLOSED", now, now
        self._thread_told("closed", issue, self.person(by, issue.repository))

    def reopen(self, issue: Issue, *, by: User | None = None) -> None:
        """Open an issue or pull request again."""
        issue.state, issue.closed, issue.updated = "OPEN", None, self.tick()
        self._thread_told("reopened", issue, self.person(by, issue.repository))

    def touch(
        self,
        issue: Issue,
        title: str | None = None,
        *,
        body: str | None = None,
        by: User | None = None,
    ) -> None:
        """Edit an issue or pull request."""
        changes: dict[str, Any] = {}
        for field, value in {"title": title, "body": body}.items():
            if value is not None and value != getattr(issue, field):
                changes[field] = {"from": getattr(issue, field)}
                setattr(issue, field, value)
        issue.updated = self.tick()
        who = self.person(by, issue.repository)
        self._thread_told("edited", issue, who, changes=changes)

    def _comment_told(
        self, action: str, issue: Issue, comment: Comment, by: User, **more: Any
    ) -> None:
        about = {"issue": issue, "comment": comment, **more}
        self.happened("issue_comment", action, repository=issue.repository, by=by, **about)

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

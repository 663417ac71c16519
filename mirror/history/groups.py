"""From single commits to what was merged at once: pull requests, branches, rebased commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mirror.history.commits import Commit, History
from mirror.history.merges import Merge, is_foreign, pull_merge, squash, topic_merge
from mirror.keywords import find_closed_issues

MOST_OF_A_BRANCH = 10
"""A branch with more commits, merged with no pull request, is more than one change."""
SECONDS_OF_A_REBASE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What came into the history as one change."""

    commit: Commit
    base: str
    own: tuple[Commit, ...]
    """Its commits, oldest first; none of a squash, whose commits are gone."""
    said: Merge

    @property
    def first(self) -> Commit:
        """The commit whose author is the change's."""
        return next((commit for commit in self.own if not commit.is_merge), self.commit)

    @property
    def messages(self) -> Iterator[str]:
        """All that was written about it; merges of other branches into it speak of others."""
        yield f"{self.said.title}\n\n{self.said.body}"
        for commit in self.own:
            if not commit.is_merge:
                yield commit.message


def groups(history: History, repository: str) -> list[Group]:
    """Return every change of a history, oldest first: a commit is in one at most."""
    squashes = _squashes(history)
    owned = {group.commit.sha for group in squashes}
    pulls = _pulls(history, repository, owned)
    branches = _branches(history, repository, owned)
    singles = [c for c in history.commits if c.sha not in owned and len(c.parents) == 1]
    rebased = [group for run in _runs(singles) for group in _group_rebased_commits(run, repository)]
    return sorted(squashes + pulls + branches + rebased, key=lambda group: group.commit.place)


def _squashes(history: History) -> list[Group]:
    mainline = history.mainline()
    return [
        Group(commit=commit, base=commit.parents[0], own=(), said=said)
        for commit in history.commits
        if (said := squash(commit, on_mainline=commit.sha in mainline)) is not None
    ]


def _pulls(history: History, repository: str, owned: set[str]) -> list[Group]:
    """Return the merged pull requests; an inner one has its commits before the outer can."""
    found: dict[str, Group] = {}
    for commit in history.commits:
        said = pull_merge(commit)
        if said is None:
            continue
        brought = history.between(commit.parents[0], commit.parents[1:])
        for inner in [found[c.sha] for c in brought if c.sha in found]:
            if is_foreign(inner.said, outer=said, repository=repository):
                owned.difference_update(own.sha for own in inner.own)
                del found[inner.commit.sha]
        found[commit.sha] = _merge(commit, said, brought, owned)
    return list(found.values())


def _branches(history: History, repository: str, owned: set[str]) -> list[Group]:
    """Return the branches that were merged with no pull request, where one was one change."""
    found = []
    for commit in history.commits:
        if commit.sha in owned:
            continue
        said = topic_merge(commit, closes=bool(find_closed_issues(commit.message, repository)))
        if said is None:
            continue
        brought = history.between(commit.parents[0], commit.parents[1:])
        if 0 < sum(c.sha not in owned for c in brought) <= MOST_OF_A_BRANCH:
            found.append(_merge(commit, said, brought, owned))
    return found


def _merge(commit: Commit, said: Merge, brought: list[Commit], owned: set[str]) -> Group:
    own = tuple(c for c in brought if c.sha not in owned)
    owned.update(c.sha for c in own)
    owned.add(commit.sha)
    if len(own) == 1:
        said = said.fill_from_commit(own[0])
    return Group(commit=commit, base=commit.parents[0], own=own, said=said)


def _runs(singles: Iterable[Commit]) -> Iterator[list[Commit]]:
    """Yield neighbours that one person applied for another at one moment; else one by one."""
    ends: dict[str, list[Commit]] = {}
    for commit in singles:
        run = ends.pop(commit.parents[0], None)
        if run is not None and _belong_together(run[-1], commit):
            run.append(commit)
        else:
            if run is not None:
                yield run
            run = [commit]
        ends[commit.sha] = run
    yield from ends.values()


def _belong_together(one: Commit, other: Commit) -> bool:
    return (
        one.email == other.email
        and one.committer_email == other.committer_email != other.email
        and abs(one.committed - other.committed) <= SECONDS_OF_A_REBASE
    )


def _group_rebased_commits(run: list[Commit], repository: str) -> Iterator[Group]:
    """Yield a run as one change when it can be about one issue only, else each commit."""
    named = set().union(*(find_closed_issues(commit.message, repository) for commit in run))
    if len(run) > 1 and len(named) == 1:
        lead = next(commit for commit in run if find_closed_issues(commit.message, repository))
        yield Group(
            commit=run[-1], base=run[0].parents[0], own=tuple(run), said=Merge.of_commit(lead)
        )
        return
    for commit in run:
        yield Group(
            commit=commit, base=commit.parents[0], own=(commit,), said=Merge.of_commit(commit)
        )

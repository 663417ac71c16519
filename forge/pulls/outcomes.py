"""Pull requests as a person reads them: what each closes, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forge.pulls.crawl import CANDIDATE
from forge.run.left_out import LeftOut, group_reasons
from mirror.choice.rules import REASONS
from storage.errors import ConfigError, StoreError
from storage.histories import name_of
from storage.records import Link, Mirroring, PullRequest
from storage.sources import fetch, parse
from storage.store import Store
from storage.tables.pulls import Pulls
from storage.trees import Trees

UNDONE = "undone"
NOT_CRAWLED = "no pull request of {name} is in {store}; `bugfoundry crawl {source}` finds them"
NO_REASON = "no pull request of {name} has the outcome {reason!r}; there are: {known}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedIssue:
    """An issue that a pull request closes."""

    name: str
    """``#12``, or ``owner/name#12`` where it is another repository's."""
    evidence: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPull:
    """A pull request with what became of it."""

    repository: str
    number: int
    """0 when not known."""
    commit: str
    base: str
    merged: str
    title: str
    author: str
    origin: str
    issues: tuple[ListedIssue, ...]
    outcome: str
    """``candidate``, ``undone``, or the named reason why it was left out or not undone."""
    detail: str
    tier: str
    undone: float
    bug: str

    @property
    def became(self) -> str:
        """What became of it, in words."""
        if self.outcome == UNDONE:
            return f"undone by {self.tier}, {self.undone:.0%} of the fix: bug {self.bug}"
        if self.outcome == CANDIDATE:
            return CANDIDATE
        return f"{self.outcome}: {self.detail}" if self.detail else self.outcome


def list_passed_over(pulls: Pulls, name: str, tree: str) -> tuple[LeftOut, ...]:
    """Return the pull requests of which a tree has no bug, by what became of them."""
    numbers = {pull.commit: pull.number for pull in pulls.all(name)}
    reasons = (
        (f"#{number}" if (number := numbers.get(each.commit)) else each.commit[:10], each.outcome)
        for each in pulls.outcomes(name, tree)
        if not each.bug
    )
    return tuple(group_reasons("pull request", reasons))


def list_pulls(
    source: str, *, store: Store, cache: Path, outcome: str | None = None
) -> list[ListedPull]:
    """Return the pull requests of a source, the newest first; those with an outcome, if named.

    What became of them is that on a checkout's own tree, else on the tree looked at last. Raises
    BugfoundryError.
    """
    name, tree = _resolve_name(source, cache)
    pulls = store.pulls.all(name)
    if not pulls:
        raise StoreError(NOT_CRAWLED.format(name=name, store=store.path, source=source))
    outcomes = _outcomes(store, name, tree)
    rows = [_make_listed(pull, outcomes.get(pull.commit)) for pull in pulls]
    if outcome is None:
        return rows
    known = sorted({row.outcome for row in rows})
    if outcome not in {*known, *REASONS, CANDIDATE, UNDONE}:
        raise ConfigError(NO_REASON.format(name=name, reason=outcome, known=", ".join(known)))
    return [row for row in rows if row.outcome == outcome]


def _resolve_name(text: str, cache: Path) -> tuple[str, str]:
    """Return the name of a source's repository, and its tree where no host need be asked."""
    source = parse(text)
    if source.kind == "path":
        repository = fetch(source, cache=cache, trees=Trees(cache))
        return f"{repository.owner}/{repository.name}", repository.tree
    return "/".join(name_of(source)), ""


def _outcomes(store: Store, name: str, tree: str) -> dict[str, Mirroring]:
    found = store.pulls.outcomes(name)
    if found and all(one.tree != tree for one in found):
        tree = found[-1].tree
    return {one.commit: one for one in found if one.tree == tree}


def _make_listed(pull: PullRequest, mirroring: Mirroring | None) -> ListedPull:
    return ListedPull(
        repository=pull.repository,
        number=pull.number,
        commit=pull.commit,
        base=pull.base,
        merged=pull.merged,
        title=pull.title,
        author=pull.author,
        origin=pull.origin,
        issues=tuple(_issue(link, pull) for link in pull.closes),
        outcome=mirroring.outcome if mirroring else CANDIDATE,
        detail=mirroring.detail if mirroring else "",
        tier=mirroring.tier if mirroring else "",
        undone=mirroring.undone if mirroring else 0.0,
        bug=mirroring.bug if mirroring else "",
    )


def _issue(link: Link, pull: PullRequest) -> ListedIssue:
    place = "" if link.repository == pull.repository else link.repository
    return ListedIssue(name=f"{place}#{link.number}", evidence=link.evidence, marks=link.marks)

"""Crawl a repository's merged pull requests with the issues they close.

Pages come newest change first. Whatever changes while we read moves to the front, so what we have
yet to read only moves away from the cursor and nothing is skipped; what moved is read by the next
crawl, which goes on until it meets the newest change that the last one began with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mirror.github.bases import nodes
from mirror.github.client import GitHub
from mirror.github.graphql_records import issues_of, pull_of
from mirror.github.long_lists import complete
from mirror.github.lookups import fetch_repository
from mirror.github.queries import PAGE, PULLS, SMALLEST_PAGE
from mirror.github.requests import ATTEMPTS
from storage.errors import GitHubBroken, GitHubMissing, GitHubRejected
from storage.records import Crawl, Issue, PullRequest

NEWEST = {"state": "closed", "sort": "updated", "direction": "desc", "per_page": "5"}
"""The question whose answer changes when any pull request that was merged does: more than the
newest, since several may have changed in its second."""


class Sink(Protocol):
    """Where a crawl is kept; ``store.pulls`` is one."""

    def add(
        self,
        pulls: Iterable[PullRequest],
        issues: Iterable[Issue] = (),
        crawl: Crawl | None = None,
    ) -> None:
        """Keep a page and how far the crawl has come, all or nothing."""

    def crawl(self, repository: str, origin: str) -> Crawl | None:
        """Return how far the last crawl came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawled:
    """What a crawl has come to so far."""

    repository: str
    """``owner/name`` as GitHub has it now: a renamed repository is kept under its new name."""
    pulls: int = 0
    closing: int = 0
    """Those that close at least one issue."""
    issues: int = 0
    without_commit: int = 0
    """Merged, but GitHub names no commit: nothing that could be undone."""
    pages: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One way down the pages: from the newest change to one that is already known."""

    top: str = ""
    """The newest change when it began; empty before the first page."""
    until: str = ""
    """What is older is known."""
    etag: str = ""


OnPage = Callable[[Crawled], None]


async def crawl(
    github: GitHub, sink: Sink, repository: str, *, on_page: OnPage | None = None
) -> Crawled:
    """Bring what is known of a repository's pull requests up to date.

    Each page is kept as it comes, and a crawl that was cut off goes on where it was. Raises
    GitHubError; what came before it is kept.
    """
    before = github.requests
    name = (await fetch_repository(github, repository)).name
    work = _GitHubCrawl(github, sink, name, on_page or (lambda _: None), before)
    known = sink.crawl(name, "github") or Crawl(repository=name, origin="github")
    if known.cursor:
        known = await work.walk(known)
    etag = json.loads(known.state or "{}").get("etag", "")
    answer = await github.get(
        f"/repos/{name}/pulls", NEWEST, what=f"the newest pull request of {name}", etag=etag
    )
    if answer.status != 304:
        state = _encode_walk(Walk(until=known.newest, etag=answer.headers.get("etag", "")))
        await work.walk(replace(known, cursor="", state=state))
    return work.counts


class _GitHubCrawl:
    """A crawl under way."""

    def __init__(self, github: GitHub, sink: Sink, name: str, on_page: OnPage, before: int) -> None:
        self.counts = Crawled(repository=name)
        self._github = github
        self._sink = sink
        self._name = name
        self._on_page = on_page
        self._before = before
        self._size = PAGE

    @property
    def counts(self) -> Crawled:
        return replace(self._counts, requests=self._github.requests - self._before)

    @counts.setter
    def counts(self, counts: Crawled) -> None:
        self._counts = counts

    async def walk(self, known: Crawl) -> Crawl:
        """Go down from where ``known`` is, and return how far it is known after that."""
        walk = Walk(**json.loads(known.state))
        cursor = known.cursor
        while True:
            page, cursor = await self._page(cursor)
            read = nodes({"page": page}, "page")
            fresh = [node for node in read if node["updatedAt"] >= walk.until]
            if not walk.top and fresh:
                walk = replace(walk, top=fresh[0]["updatedAt"])
            last = len(fresh) < len(read) or not page["pageInfo"]["hasNextPage"]
            if last:
                state = json.dumps({"etag": walk.etag})
                known = replace(known, newest=walk.top or walk.until, cursor="", state=state)
            else:
                cursor = page["pageInfo"]["endCursor"]
                known = replace(known, cursor=cursor, state=_encode_walk(walk))
            await self._keep(fresh, known)
            if last:
                return known

    async def _page(self, cursor: str) -> tuple[dict[str, Any], str]:
        """Return a page and the cursor it is after: the first one when GitHub no longer takes the
        cursor; a smaller page when GitHub does not manage a large one."""
        owner, _, name = self._name.partition("/")
        while True:
            smallest = self._size <= SMALLEST_PAGE
            variables = {"owner": owner, "name": name, "first": self._size, "after": cursor or None}
            try:
                data = await self._github.graphql(
                    PULLS,
                    variables,
                    what=f"pull requests of {self._name}",
                    attempts=ATTEMPTS if smallest else 2,
                )
            except GitHubBroken:
                if smallest:
                    raise
                self._size = max(self._size // 2, SMALLEST_PAGE)
                continue
            except GitHubRejected:
                if not cursor:
                    raise
                cursor = ""
                continue
            if data["repository"] is None:
                raise GitHubMissing(f"GitHub knows no {self._name}, or the token may not see it")
            return data["repository"]["pullRequests"], cursor

    async def _keep(self, page: list[dict[str, Any]], crawl: Crawl) -> None:
        await complete(self._github, pulls=page, what=f"pull requests of {self._name}")
        read = [pull_of(node, self._name) for node in page]
        pulls = [pull for pull in read if pull is not None]
        issues = {(i.repository, i.number): i for node in page for i in issues_of(node)}
        self._sink.add(pulls, issues.values(), crawl)
        self.counts = replace(
            self._counts,
            pulls=self._counts.pulls + len(pulls),
            closing=self._counts.closing + sum(bool(pull.closes) for pull in pulls),
            issues=self._counts.issues + len(issues),
            without_commit=self._counts.without_commit + len(read) - len(pulls),
            pages=self._counts.pages + 1,
        )
        self._on_page(self.counts)


def _encode_walk(walk: Walk) -> str:
    fields: Mapping[str, str] = {"top": walk.top, "until": walk.until, "etag": walk.etag}
    return json.dumps(fields)

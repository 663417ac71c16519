"""Crawl a repository's pull requests and choose among them; kept as it comes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forge.run.nouns import format_count
from forge.run.progress import Reporter
from mirror.choice.limits import Limits
from mirror.choice.rules import REASONS
from mirror.choice.sieve import Sifted, sift
from mirror.github import PUBLIC
from mirror.history.crawl import RULES, crawl_history
from mirror.history.links import STRENGTH
from storage.clones import on_site, site_of
from storage.errors import ConfigError, GitHubError
from storage.histories import Cloned, fetch_with_history
from storage.records import Crawl, Issue, Mirroring, PullRequest
from storage.sources import parse
from storage.store import Store
from storage.trees import Trees

if TYPE_CHECKING:
    from mirror.github.client import GitHub
    from mirror.github.crawl import Crawled
    from mirror.github.token_loans import Lender

Way = Literal["github", "history"]

CANDIDATE = "candidate"
"""Outcome of a pull request that is to be mirrored, where another one was stored before; one with
no outcome is a candidate too."""
BATCH = 200
NO_TOKEN = "--from github needs a token: set GITHUB_TOKEN, or use --from history"
NOT_ON_GITHUB = "{source} is not on {site}; use --from history, or name the server by --github-url"
NO_TEXT = "the text of issues is not fetched: {error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlSettings:
    """One ``crawl`` run."""

    source: str
    cache: Path
    way: Literal["auto", "github", "history"] = "auto"
    api_url: str = PUBLIC
    """Of GitHub's REST API."""
    token: str = field(default="", repr=False)
    tokens: Lender | None = field(default=None, repr=False)
    """In the place of one token, where tokens end."""
    limits: Limits = field(default_factory=Limits)

    @property
    def site(self) -> str:
        """Where the repositories of that GitHub are."""
        return site_of(self.api_url)

    @property
    def has_token(self) -> bool:
        return bool(self.tokens or self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlSummary:
    """What is known of a repository's pull requests after a crawl."""

    repository: str
    head: str
    tree: str
    way: Way
    pulls: int
    new: int
    """Those that this crawl read."""
    closing: int
    evidence: tuple[tuple[str, int], ...]
    """Of those that close an issue, by the strongest evidence, strongest first."""
    candidates: int
    candidates_by_evidence: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, int], ...]
    """By reason, commonest first."""
    requests: int
    """To GitHub."""
    seconds: float


async def crawl_repository(
    settings: CrawlSettings, *, store: Store, reporter: Reporter
) -> CrawlSummary:
    """Bring up to date what is known of a repository's pull requests. Raises BugfoundryError."""
    return (await crawl_clone(settings, store=store, reporter=reporter))[1]


async def crawl_clone(
    settings: CrawlSettings, *, store: Store, reporter: Reporter
) -> tuple[Cloned, CrawlSummary]:
    """Crawl, and return the clone with its history too. Raises BugfoundryError."""
    started = time.monotonic()
    if settings.way == "github" and not settings.has_token:
        raise ConfigError(NO_TOKEN)
    reporter.stage(f"fetching {settings.source}")
    cloned = await asyncio.to_thread(_fetch, settings)
    store.add_repository(cloned.repository)
    work = _CrawlRun(settings, cloned, store, reporter)
    way = work.way()
    await (work.from_github() if way == "github" else work.from_history())
    chosen = await work.choose()
    return cloned, _summary(work, way, chosen, time.monotonic() - started)


def _fetch(settings: CrawlSettings) -> Cloned:
    source = parse(settings.source)
    return fetch_with_history(
        source,
        cache=settings.cache,
        trees=Trees(settings.cache),
        token=settings.tokens.lend() if settings.tokens else settings.token,
        github=settings.site,
    )


class _CrawlRun:
    """A crawl under way."""

    def __init__(
        self, settings: CrawlSettings, cloned: Cloned, store: Store, reporter: Reporter
    ) -> None:
        self.cloned = cloned
        self.name = cloned.full_name
        self.new = 0
        self.requests = 0
        self._settings = settings
        self._pulls = store.pulls
        self._reporter = reporter

    def way(self) -> Way:
        """Decide where to crawl from. Raises ConfigError."""
        settings = self._settings
        there = self.on_github
        if settings.way == "auto":
            return "github" if there and settings.has_token else "history"
        if settings.way == "github" and not there:
            raise ConfigError(NOT_ON_GITHUB.format(source=settings.source, site=settings.site))
        return settings.way

    @property
    def on_github(self) -> bool:
        return on_site(self.cloned.url, self._settings.site)

    async def from_github(self) -> None:
        """Ask GitHub for what changed since the last crawl."""
        # What takes a second to import is imported where GitHub is asked.
        from mirror.github.crawl import crawl

        self._reporter.stage(f"{self.name}: asking GitHub")
        async with self._github() as github:
            crawled = await crawl(github, self._pulls, self.name, on_page=self._page)
        self.name, self.new, self.requests = crawled.repository, crawled.pulls, crawled.requests

    def _github(self) -> GitHub:
        from mirror.github.client import GitHub

        return GitHub(self._settings.api_url, token=self._settings.tokens or self._settings.token)

    def _page(self, crawled: Crawled) -> None:
        pulls = format_count(crawled.pulls, "pull request")
        self._reporter.stage(f"{self.name}: {pulls} from GitHub")

    async def from_history(self) -> None:
        """Read what came into the history since the last crawl; texts of issues from GitHub."""
        self._reporter.stage(f"{self.name}: reading the history")
        head = self.cloned.head
        done = Crawl(repository=self.name, origin="history", newest=head, state=RULES)
        known = self._pulls.crawl(self.name, "history")
        if known is None or known.state != RULES:
            known = replace(done, newest="")
        found = crawl_history(
            self.cloned.git_dir, head, self.name, since=known.cursor or known.newest
        )
        while some := await asyncio.to_thread(lambda: list(islice(found, BATCH))):
            self._keep(some, replace(known, cursor=some[-1].commit))
            pulls = format_count(self.new, "pull request")
            self._reporter.stage(f"{self.name}: {pulls} from the history")
        self._keep((), done)
        if self._settings.has_token and self.on_github:
            await self._fetch_texts()

    def _keep(self, pulls: Iterable[PullRequest], crawl: Crawl) -> None:
        pulls = list(pulls)
        closed = {(link.repository, link.number) for pull in pulls for link in pull.closes}
        issues = [Issue(repository=name, number=number) for name, number in sorted(closed)]
        self._pulls.add(pulls, issues, crawl)
        self.new += len(pulls)

    async def _fetch_texts(self) -> None:
        from mirror.github.issues import fetch_issues

        numbers = [issue.number for issue in self._pulls.list_unfetched_issues(self.name)]
        self._reporter.stage(f"{self.name}: fetching {len(numbers)} issues from GitHub")
        try:
            async with self._github() as github:
                self._pulls.add((), await fetch_issues(github, self.name, numbers))
                self.requests = github.requests
        except GitHubError as error:
            self._reporter.note(NO_TEXT.format(error=error))

    async def choose(self) -> list[Sifted]:
        """Find the candidates, and keep the reason for which each other is left out."""
        self._reporter.stage(f"{self.name}: choosing")
        pulls = self._pulls.all(self.name)
        sifted = sift(
            self.cloned.git_dir,
            self.cloned.head,
            pulls,
            list(self._issues(pulls)),
            self._settings.limits,
        )
        before = {
            outcome.commit: outcome.outcome
            for outcome in self._pulls.outcomes(self.name, self.cloned.repository.tree)
        }
        chosen: list[Sifted] = []
        while some := await asyncio.to_thread(lambda: list(islice(sifted, BATCH))):
            self._pulls.set_outcomes(
                outcome
                for pull, reason in some
                if (outcome := self._outcome(pull, reason, before.get(pull.commit, "")))
            )
            chosen += some
            self._reporter.count(len(chosen), len(pulls), f"{self.name}: choosing")
        return chosen

    def _issues(self, pulls: Iterable[PullRequest]) -> Iterator[Issue]:
        for name, number in {(link.repository, link.number) for p in pulls for link in p.closes}:
            if (issue := self._pulls.issue(name, number)) is not None and issue.fetched:
                yield issue

    def _outcome(self, pull: PullRequest, reason: str, before: str) -> Mirroring | None:
        """Return why it is left out; None where that is known, or it was tried: what came of it
        is not undone by choosing again."""
        outcome = reason or (CANDIDATE if before else "")
        if outcome == before or (before and before != CANDIDATE and before not in REASONS):
            return None
        return Mirroring(
            tree=self.cloned.repository.tree,
            repository=self.name,
            commit=pull.commit,
            outcome=outcome,
            detail=REASONS.get(reason, ""),
        )


def _summary(work: _CrawlRun, way: Way, chosen: list[Sifted], seconds: float) -> CrawlSummary:
    closing = [pull for pull, _ in chosen if pull.closes]
    candidates = [pull for pull, reason in chosen if not reason]
    left_out = Counter(reason for _, reason in chosen if reason)
    return CrawlSummary(
        repository=work.name,
        head=work.cloned.head,
        tree=work.cloned.repository.tree,
        way=way,
        pulls=len(chosen),
        new=work.new,
        closing=len(closing),
        evidence=by_evidence(closing),
        candidates=len(candidates),
        candidates_by_evidence=by_evidence(candidates),
        left_out=tuple(sorted(left_out.items(), key=lambda item: (-item[1], item[0]))),
        requests=work.requests,
        seconds=round(seconds, 2),
    )


def by_evidence(pulls: Iterable[PullRequest]) -> tuple[tuple[str, int], ...]:
    """Count pull requests by the strongest evidence that they close an issue."""
    counts = Counter(pull.closes[0].evidence for pull in pulls)
    return tuple(sorted(counts.items(), key=lambda item: STRENGTH[item[0]]))

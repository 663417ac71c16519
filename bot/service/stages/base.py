"""What the stages have in common: whose turn it is, what they work with, and what comes next."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.service.base.allowance import look_up
from bot.service.base.config import Config, secret
from bot.service.base.own_thread import run_in_thread
from bot.service.base.retries import MOST_BUILDS
from bot.service.base.scene import Handler, Outcome, Scene
from bot.service.repositories.plan import STAGES, first_stage_job, next_stage_job
from bot.service.repositories.wishes import wanted_strategies
from forge.compose import forge_in, make_ready_for
from forge.remote.actions.mirrors import MirrorAccount
from forge.remote.actions.preparation import make_ready_far
from forge.run.nouns import format_count
from forge.run.preparation import Ready, fetch
from forge.run.settings import (
    ProposalSettings,
    Settings,
)
from forge.run.summary import Summary
from mirror.github.client import GitHub
from mirror.github.token_loans import Lender
from mirror.github.tokens import Narrowing
from storage.clones import site_of
from storage.errors import ConfigError
from storage.records import Repository
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import Job
from storage.trees import Trees

UNWANTED = "{strategies}: not wanted by the operator or the repository"
NO_TOKEN = (
    "mirrors need work.tool and a token of their own in work.mirrors_token_file; docs/actions.md"
)
NO_ENVIRONMENT = "there is no environment yet; that comes first"
READING = ("contents", "issues", "metadata", "pull_requests")
"""What a token may read that is used beside untrusted code and text; it may write nothing."""


class StageReporter:
    """Passes on what the pipeline is doing, and keeps its notes for the job's own."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self.notes: list[str] = []

    def stage(self, text: str) -> None:
        self._progress(text)

    def count(self, done: int, total: int, text: str) -> None:
        self._progress(f"{text} ({done} of {total})")

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """The account on which repositories are mirrored, as long as a stage lasts."""

    operator: MirrorAccount
    github: GitHub


@asynccontextmanager
async def mirrors_of(config: Config) -> AsyncIterator[Mirrors | None]:
    """Give the account of the mirrors, where the operator has one. Raises ConfigError."""
    work = config.work
    if not work.engine.mirrors:
        yield None
        return
    key = secret("mirrors_token", work.mirrors_token_file)
    if not key or not work.engine.tool:
        raise ConfigError(NO_TOKEN)

    async def token() -> str:
        return key

    site = site_of(config.app.api_url)
    operator = MirrorAccount(
        account=work.engine.mirrors, tool=work.engine.tool, url=site, token=token
    )
    async with GitHub(config.app.api_url, token=key) as github:
        yield Mirrors(operator=operator, github=github)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage under way, in a thread of its own."""

    hosted: Hosted
    """The repository as it was when the stage began."""
    asked: Mapping[str, Any]
    """The job's payload."""
    config: Config
    store: Store
    trees: Trees
    tokens: Lender = field(repr=False)
    reporter: StageReporter
    now: float
    final: bool
    """Whether this is the last attempt at an environment."""
    mirrors: Mirrors | None = None
    """Where bugs are judged; None for this machine."""

    @property
    def url(self) -> str:
        """Where git finds the repository; never a name that a folder here could have too."""
        return f"{self.site}/{self.hosted.name}.git"

    @property
    def site(self) -> str:
        """Where the repositories of the GitHub are."""
        return site_of(self.config.app.api_url)

    def settings(
        self,
        commit: str = "",
        *,
        strategies: tuple[str, ...] = ProposalSettings().strategies,
        full: bool = False,
        only_pulls: frozenset[int] | None = None,
        skip_pulls: frozenset[int] = frozenset(),
    ) -> Settings:
        """Return how the pipeline is run for the repository, at a commit or the newest one."""
        work, limits = self.config.work, self.config.limits
        return Settings(
            source=f"{self.url}@{commit}" if commit else self.url,
            cache=self.config.cache,
            proposals=replace(work.proposals, strategies=strategies),
            environment=replace(work.environment, base_image=work.environment.base_image or None),
            validation=replace(work.validation, full=full),
            model=replace(
                work.model,
                budget=limits.repository_dollars,
                month_budget=limits.month_dollars,
            ),
            engine=work.engine,
            isolated=True,
            github_url=self.config.app.api_url,
            github_tokens=self.tokens,
            only_pulls=only_pulls,
            skip_pulls=skip_pulls,
        )

    def fetch_commit(self, commit: str = "") -> Repository:
        """Fetch a commit, the newest by default. Raises BugfoundryError."""
        self.reporter.stage(f"fetching {self.hosted.name}")
        return fetch(self.settings(commit), self.trees, self.store)

    def repository(self) -> Repository:
        """Return the repository at the commit that serves, from the cache where it is there."""
        hosted = self.hosted
        for found in self.store.repositories():
            mine = f"{found.owner}/{found.name}".lower() == hosted.name.lower()
            if mine and (found.commit, found.tree) == (hosted.commit, hosted.tree):
                return found if self.trees.has(found.tree) else self.fetch_commit(hosted.commit)
        return self.fetch_commit(hosted.commit)

    async def ready(self, repository: Repository | None = None) -> Ready:
        """Return an environment, found again or built. Raises BugfoundryError."""
        repository = repository or self.repository()
        settings = self.settings(repository.commit)
        if self.mirrors is None:
            return await make_ready_for(
                repository, settings, store=self.store, trees=self.trees, reporter=self.reporter
            )
        return await make_ready_far(
            repository,
            settings,
            self.mirrors.operator,
            self.mirrors.github,
            private=self.hosted.private,
            store=self.store,
            trees=self.trees,
            reporter=self.reporter,
        )

    async def forge_strategies(self, *strategies: str) -> Outcome:
        """Make bugs by those of the strategies that are wanted. Raises BugfoundryError."""
        allowed = wanted_strategies(self.hosted, self.config)
        wanted = tuple(name for name in strategies if name in allowed)
        if not wanted:
            return Outcome(
                note=f"{' and '.join(strategies)}: not wanted by the operator or the repository"
            )
        ready = await self.ready()
        settings = self.settings(
            ready.repository.commit, strategies=wanted, skip_pulls=self.skipped_pulls
        )
        summary = await forge_in(
            ready, settings, self.trees, store=self.store, reporter=self.reporter
        )
        return Outcome(note=describe_summary(summary))

    @property
    def skipped_pulls(self) -> frozenset[int]:
        """Numbers of the pull requests that a label keeps out."""
        marks = self.store.hosted.marks(self.hosted.id)
        return frozenset(marked.number for marked in marks if marked.mark == "skip")


def describe_summary(summary: Summary) -> str:
    """Say what a run came to, in a few words."""
    total = summary.total
    reused = f", {summary.reused} known already" if summary.reused else ""
    return f"{format_count(total.proposed, 'bug')}, {total.valid} valid{reused}"


Work = Callable[[Stage], Coroutine[Any, Any, Outcome]]


def make_stage_handler(name: str, work: Work, *, needs_environment: bool = True) -> Handler:
    """Return the handler of a stage: only for who is opted in, and followed by the next stage."""

    async def handler(job: Job, scene: Scene) -> Outcome:
        hosted, why = await scene.keeper(lambda store: look_up(store, job.repository))
        if hosted is None or why:
            return Outcome(note=why)
        if needs_environment and not hosted.tree:
            return Outcome(
                note=NO_ENVIRONMENT, jobs=(first_stage_job(hosted, priority=job.priority),)
            )
        asked = json.loads(job.payload)
        outcome = await run_stage(work, job, scene, hosted, asked)
        if name not in STAGES or asked.get("alone"):
            return outcome
        following = next_stage_job(hosted, name, priority=job.priority)
        return replace(outcome, jobs=(*outcome.jobs, *([following] if following else [])))

    return handler


async def run_stage(
    work: Work, job: Job, scene: Scene, hosted: Hosted, asked: Mapping[str, Any]
) -> Outcome:
    """Do a stage's work beside the event loop, so that the job's lease is kept up."""
    reading = tuple((what, "read") for what in READING)
    narrow = Narrowing(repositories=(hosted.id,), permissions=reading)
    lender = Lender(scene.hub.tokens(hosted.installation, narrow))
    told = StageReporter(scene.progress)

    async def run_with_store(store: Store) -> Outcome:
        async with mirrors_of(scene.config) as mirrors:
            stage = Stage(
                hosted=hosted,
                asked=asked,
                config=scene.config,
                store=store,
                trees=Trees(scene.config.cache),
                tokens=lender,
                reporter=told,
                now=scene.clock(),
                final=job.attempts >= MOST_BUILDS,
                mirrors=mirrors,
            )
            return await work(stage)

    outcome = await run_in_thread(scene.keeper.path, run_with_store)
    return replace(outcome, note="; ".join(filter(None, (outcome.note, *told.notes))))

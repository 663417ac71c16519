"""From what a person names to an environment with a baseline, found again where it exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from forge.run.build_variables import build_env
from forge.run.context import Engine
from forge.run.parts import Parts
from forge.run.progress import Reporter
from forge.run.settings import Settings
from harness.detect import FolderTree
from harness.detect.config import Overrides, merge, read_config
from harness.detect.packages import enter_folder
from harness.environments.environment import Propose, Replan, prepare
from harness.environments.model_plans import make_proposer
from harness.environments.planner import Planner
from harness.environments.repair_context import RepairContext
from harness.environments.repair_facts import gather_known_facts
from harness.environments.trials import OnAttempt, PreparedEnvironment
from harness.runs.coverage import decode, encode
from harness.sandboxes.interpreters import available_pythons, list_pythons_at_hand
from harness.sandboxes.sandbox import Backend
from storage import sources
from storage.clones import site_of
from storage.errors import EnvironmentFailed
from storage.records import Environment, Plan, PlanAttempt, Repository
from storage.scratch import scratch_folder
from storage.store import Store
from storage.tree_gaps import describe_gaps
from storage.trees import Trees

FILES_KEPT = 500
"""Source files that are kept in memory: to ask git for each bug costs more than to judge it."""


class RemoteEngineMaker(Protocol):
    """Make the engine that judges a repository's bugs where it was made ready for it.

    ``on_messages`` is given what the failing tests of a valid bug said, before its verdict.
    """

    def __call__(
        self,
        ready: Ready,
        settings: Settings,
        trees: Trees,
        *,
        store: Store,
        reporter: Reporter,
        on_messages: Callable[[str, Mapping[str, str]], None],
    ) -> Engine: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A repository whose bugs can be judged."""

    repository: Repository
    backend: Backend
    prepared: PreparedEnvironment
    overrides: Overrides
    make_engine: RemoteEngineMaker | None = None
    """What judges its bugs elsewhere; None for this machine."""
    image: str = ""
    """Where the environment's image can be pulled, by digest; empty where it is in no registry."""


def cached_reader(trees: Trees, tree: str) -> Callable[[str], bytes | None]:
    """Return what reads files of a tree, the last ones from memory."""
    return lru_cache(maxsize=FILES_KEPT)(lambda path: trees.read_file(tree, path))


def fetch(settings: Settings, trees: Trees, store: Store) -> Repository:
    """Fetch the source into the cache and remember the repository."""
    repository = sources.fetch(
        sources.parse(settings.source),
        cache=settings.cache,
        trees=trees,
        token=settings.token,
        github=site_of(settings.github_url),
    )
    store.add_repository(repository)
    return repository


async def make_ready(
    settings: Settings,
    *,
    parts: Parts,
    store: Store,
    trees: Trees,
    reporter: Reporter,
    on_attempt: OnAttempt = lambda attempt: None,
) -> Ready:
    """Fetch, then find or build the environment and its baseline.

    ``tried`` is told of every plan that was tried, once it is stored.
    """
    reporter.stage(f"fetching {settings.source}")
    repository = fetch(settings, trees, store)
    for text in describe_gaps(trees, repository.tree):
        reporter.note(f"{repository.name}: {text}")
    return await make_ready_for(
        repository,
        settings,
        parts=parts,
        store=store,
        trees=trees,
        reporter=reporter,
        on_attempt=on_attempt,
    )


async def make_ready_for(
    repository: Repository,
    settings: Settings,
    *,
    parts: Parts,
    store: Store,
    trees: Trees,
    reporter: Reporter,
    on_attempt: OnAttempt = lambda attempt: None,
) -> Ready:
    """Find or build the environment and its baseline of a repository that is fetched."""
    backend = parts.make_backend(
        settings.environment.sandbox,
        cache=settings.cache,
        base_image=settings.environment.base_image,
        isolated=settings.isolated,
    )
    with scratch_folder() as folder:
        checkout = folder / repository.name
        trees.materialise(repository.tree, checkout)
        tree = FolderTree(checkout)
        overrides = merge(read_config(tree), settings.environment.overrides)
        pythons = available_pythons(backend)
        try:
            part, overrides = enter_folder(tree, overrides, repository.source)
            planner = Planner(
                tree=part,
                overrides=overrides,
                version=repository.version,
                at_hand=list_pythons_at_hand(backend),
                pythons=pythons,
            )
            candidates = planner.plan()
        except EnvironmentFailed as error:
            store.add_attempt(repository.tree, backend.kind, make_failed_attempt(overrides, error))
            raise
        prepared = None
        if not settings.environment.rebuild:
            prepared = await find_prepared(repository, backend, candidates, store)
        if prepared is None:
            facts = gather_known_facts(
                part,
                repository,
                pythons=pythons,
                system=backend.kind == "docker",
                today=datetime.now(UTC).date(),
                is_configured=overrides.install is not None,
            )
            name = f"{repository.owner}/{repository.name}"
            model = parts.make_model(settings, store, repository=name)
            prepared = await build(
                repository,
                checkout,
                backend,
                candidates,
                facts,
                settings,
                store,
                reporter,
                on_attempt,
                None if model is None else make_proposer(part, model, pythons),
                planner.replan,
            )
    return Ready(repository=repository, backend=backend, prepared=prepared, overrides=overrides)


def make_failed_attempt(overrides: Overrides, error: EnvironmentFailed) -> PlanAttempt:
    """The record of a repository for which no plan could be made."""
    reason, _, detail = str(error).partition(": ")
    plan = Plan(name="detection", python=overrides.python or "not known", install=())
    return PlanAttempt(plan=plan, ok=False, reason=reason, detail=detail)


async def find_prepared(
    repository: Repository, backend: Backend, candidates: Sequence[Plan], store: Store
) -> PreparedEnvironment | None:
    """Return the environment an earlier run built, if it is still there and still wanted.

    Not where its coverage is of another version: then it is measured again.
    """
    environment = store.environment_for(repository.tree, backend.kind)
    if environment is None or not is_plan_current(environment, candidates, store):
        return None
    baseline = store.baseline(environment.id)
    if baseline is None or not await backend.exists(environment):
        return None
    kept = store.coverage(environment.id)
    coverage = None if kept is None else decode(kept)
    if kept is not None and coverage is None:
        return None
    return PreparedEnvironment(environment=environment, baseline=baseline, coverage=coverage)


def is_plan_current(environment: Environment, candidates: Sequence[Plan], store: Store) -> bool:
    """Say whether the plan is one of today's, or was come to when the first of them failed."""
    if environment.plan in candidates:
        return True
    tried = (attempt.plan for attempt in store.attempts(environment.tree, environment.sandbox))
    return bool(environment.plan.because and candidates and candidates[0] in tried)


async def build(
    repository: Repository,
    checkout: Path,
    backend: Backend,
    candidates: Sequence[Plan],
    facts: RepairContext,
    settings: Settings,
    store: Store,
    reporter: Reporter,
    on_attempt: OnAttempt,
    propose: Propose | None,
    replan: Replan,
) -> PreparedEnvironment:
    """Try the plans in order, and store each attempt, the environment and its baseline."""

    def keep(attempt: PlanAttempt) -> None:
        store.add_attempt(repository.tree, backend.kind, attempt)
        on_attempt(attempt)

    prepared = await prepare(
        repository,
        checkout,
        backend,
        candidates,
        known=facts,
        build_env=build_env(),
        limits=settings.limits,
        on_plan=lambda plan: reporter.stage(f"{repository.name}: installing ({plan.name})"),
        on_attempt=keep,
        propose=propose,
        replan=replan,
        fresh=settings.environment.rebuild,
        on_baseline=lambda plan: reporter.stage(f"{repository.name}: running the tests, unbroken"),
    )
    store.add_environment(prepared.environment)
    store.add_baseline(prepared.baseline)
    if prepared.coverage is not None:
        store.set_coverage(prepared.environment.id, encode(prepared.coverage))
    return prepared

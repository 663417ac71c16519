"""The composition root: the one place that names concrete engines, sandboxes, sources and models.

Everything below is given its parts as arguments. Whoever starts a run (the command line, the
service, a job of GitHub Actions) starts it here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forge.pulls.mirror import PullRequestMirror, make_mirror
from forge.remote.actions.preparation import (
    is_private,
    make_ready_far,
    operator_of,
    publish_all,
)
from forge.remote.batch.bugs import Bugs
from forge.remote.batch.candidates import propose
from forge.remote.batch.environments import Packed
from forge.run import preparation
from forge.run.context import Engine, Source
from forge.run.parts import MachineEngine, Parts
from forge.run.pipeline import Assembly, MakeTask, Messages, PipelineRun, forge_by
from forge.run.preparation import Ready, cached_reader, fetch
from forge.run.progress import Reporter
from forge.run.settings import Settings
from forge.run.sources import sources
from forge.run.statements import write_statements
from forge.run.summary import Summary
from harness.environments.trials import OnAttempt
from harness.judge.judge import HARNESS_VERSION
from harness.judge.local_engine import LocalEngine
from harness.sandboxes.backends import choose
from llm.client import Model
from llm.configuration import RUN, Mode, configured_model
from mirror.github.client import GitHub
from storage.errors import ConfigError
from storage.records import Bug, Repository, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from tasks.make import make_task

KNOWN = (
    "the profile of human bugs was fitted on {name} too: how human its bugs look is no measurement"
)

COMBINE = "combine joins bugs that are verified: use `bugfoundry forge --engine actions`"


def make_model(
    settings: Settings,
    store: Store,
    *,
    repository: str = "",
    strategy: str = "",
    mode: Mode = "ask",
    environ: Mapping[str, str] | None = None,
    run: str = RUN,
) -> Model | None:
    """Return the model that a person configured, with this run's budgets. Raises ConfigError."""
    return configured_model(
        store,
        environ,
        dollars=settings.model.budget,
        month_dollars=settings.model.month_budget,
        in_batches=settings.model.batch,
        repository=repository,
        strategy=strategy,
        mode=mode,
        run=run,
    )


PARTS = Parts(make_backend=choose, make_engine=LocalEngine, make_model=make_model)


async def make_ready(
    settings: Settings,
    *,
    store: Store,
    trees: Trees,
    reporter: Reporter,
    tried: OnAttempt = lambda attempt: None,
) -> Ready:
    """Fetch a source, then find or build its environment here. Raises BugfoundryError."""
    return await preparation.make_ready(
        settings, parts=PARTS, store=store, trees=trees, reporter=reporter, on_attempt=tried
    )


async def make_ready_for(
    repository: Repository,
    settings: Settings,
    *,
    store: Store,
    trees: Trees,
    reporter: Reporter,
) -> Ready:
    """Find or build the environment of a fetched repository here. Raises BugfoundryError."""
    return await preparation.make_ready_for(
        repository, settings, parts=PARTS, store=store, trees=trees, reporter=reporter
    )


async def forge(settings: Settings, *, store: Store, reporter: Reporter) -> Summary:
    """Make verified bugs from one repository, and return what came of it.

    Raises BugfoundryError when the source, the environment or a sandbox cannot be had.
    """
    started = time.monotonic()
    trees = Trees(settings.cache)
    ready = await make_ready(settings, store=store, trees=trees, reporter=reporter)
    summary = await forge_in(ready, settings, trees, store=store, reporter=reporter)
    return replace(summary, seconds=round(time.monotonic() - started, 2))


async def forge_far(settings: Settings, *, store: Store, reporter: Reporter) -> Summary:
    """Forge with everything that runs the repository's code done by GitHub Actions.

    Raises BugfoundryError.
    """
    operator = operator_of(settings)
    async with GitHub(settings.github_url, token=settings.github_token) as github:
        trees = Trees(settings.cache)
        reporter.stage(f"fetching {settings.source}")
        repository = fetch(settings, trees, store)
        private = await is_private(settings.source, github)
        ready = await make_ready_far(
            repository,
            settings,
            operator,
            github,
            private=private,
            store=store,
            trees=trees,
            reporter=reporter,
        )
        summary = await forge_in(ready, settings, trees, store=store, reporter=reporter)
        if settings.engine.publish:
            await publish_all(summary, operator, repository, trees, store=store, reporter=reporter)
        return summary


async def forge_in(
    ready: Ready, settings: Settings, trees: Trees, *, store: Store, reporter: Reporter
) -> Summary:
    """Make verified bugs in an environment, and return what came of it. Raises BugfoundryError."""
    started = time.monotonic()
    reporter.stage(f"{ready.repository.name}: proposing bugs")
    run = PipelineRun(recalls=settings.model.statements == "model")
    assembly = await make_assembly(settings, ready, trees, store=store, reporter=reporter, run=run)
    summary = await forge_by(
        assembly, ready, settings, trees, store=store, reporter=reporter, run=run
    )
    return replace(summary, seconds=round(time.monotonic() - started, 2))


async def make_assembly(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: PipelineRun,
) -> Assembly:
    """Put together what one run goes through. Raises BugfoundryError."""
    made = await make_portfolio(settings, ready, trees, store=store, reporter=reporter)
    if settings.profile is not None and settings.profile.knows(made.name):
        reporter.note(KNOWN.format(name=made.name))

    async def write(tasks: Sequence[str], messages: Mapping[str, Messages]) -> None:
        await write_statements(
            settings,
            ready,
            trees,
            store=store,
            engine=make_machine_engine(settings, ready, trees, store=store, reporter=reporter),
            model=made.model,
            name=made.name if made.mirror is None else made.mirror.name,
            tasks=tasks,
            messages=messages,
            reporter=reporter,
        )

    return Assembly(
        source=made.source,
        engine=engine_for(settings, ready, trees, store=store, reporter=reporter, run=run),
        make_task=task_maker(ready.repository, made.mirror),
        write_statements=write,
        list_passed_over=tuple if made.mirror is None else made.mirror.list_passed_over,
    )


def task_maker(repository: Repository, mirror: PullRequestMirror | None) -> MakeTask:
    """Return what makes tasks of valid bugs: mirrored ones are told in the words of the issue."""

    def make(bug: Bug, verdict: Verdict, messages: Messages | None) -> Task:
        if mirror is not None and bug.origin.strategy == "mirror":
            return mirror.task(bug, verdict, messages)
        return make_task(repository, bug, verdict, messages=messages)

    return make


def engine_for(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: PipelineRun | None = None,
) -> Engine:
    """Return the engine that judges where the repository was made ready for it.

    ``run`` is told what failing tests say.
    """
    if ready.make_engine is None:
        return make_machine_engine(settings, ready, trees, store=store, reporter=reporter, run=run)
    on_messages = (run or PipelineRun()).messages.__setitem__
    return ready.make_engine(
        ready, settings, trees, store=store, reporter=reporter, on_messages=on_messages
    )


def make_machine_engine(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: PipelineRun | None = None,
) -> MachineEngine:
    """Return the engine of this machine.

    Where selecting tests once went wrong, every test is run from then on.
    """
    environment = ready.prepared.environment

    def on_disagreement(text: str) -> None:
        store.set_coverage(environment.id, None)
        reporter.note(f"{ready.repository.name}: {text}")

    return PARTS.make_engine(
        ready.backend,
        environment,
        ready.prepared.baseline,
        workers=settings.validation.workers,
        read=cached_reader(trees, ready.repository.tree),
        limits=settings.limits,
        coverage=None if settings.validation.full else ready.prepared.coverage,
        judged=len(store.list_judged_bugs(environment.id, HARNESS_VERSION, "selected")),
        on_disagreement=on_disagreement,
        on_messages=(run or PipelineRun()).messages.__setitem__,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What proposes, with what it shares with the rest of a run."""

    name: str
    """The repository, as ``owner/name``."""
    source: Source
    model: Model | None
    mirror: PullRequestMirror | None


async def make_portfolio(
    settings: Settings, ready: Ready, trees: Trees, *, store: Store, reporter: Reporter
) -> Portfolio:
    """Make the strategies ready; pull requests that are new are crawled. Raises BugfoundryError."""
    name = f"{ready.repository.owner}/{ready.repository.name}"
    mode: Mode = "batch" if settings.model.batch else "ask"
    model = make_model(settings, store, repository=name, mode=mode)
    mirror = await make_mirror(
        settings,
        ready.repository,
        trees,
        store=store,
        reporter=reporter,
        model=model,
        tests=ready.prepared.baseline.green,
    )
    source = sources(
        settings.proposals.names,
        mirror=mirror,
        model=model,
        note=reporter.note,
        candidates=settings.model.candidates,
        at_most=settings.proposals.at_most,
    )
    return Portfolio(name=name, source=source, model=model, mirror=mirror)


async def propose_batch(
    settings: Settings, *, image: str = "", store: Store, reporter: Reporter
) -> tuple[Packed, Bugs]:
    """Propose the bugs of a batch: those of `forge` that nobody has judged.

    Raises BugfoundryError.
    """
    if "combine" in settings.proposals.names:
        raise ConfigError(COMBINE)
    trees = Trees(settings.cache)
    ready = await make_ready(settings, store=store, trees=trees, reporter=reporter)
    reporter.stage(f"{ready.repository.name}: proposing bugs")
    made = await make_portfolio(settings, ready, trees, store=store, reporter=reporter)
    return await propose(settings, ready, made.source, image=image, store=store, trees=trees)

"""The flow: a source proposes bugs, an engine judges them, what is valid becomes a task.

Everything is stored as soon as it is known and found again under the same key, so a run that
was killed goes on where it was. The same pipeline serves the command line, the service and
an Actions job.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import lru_cache

from forge.compose import make_portfolio
from forge.pulls.mirror import Mirror
from forge.remote.actions.engine import ActionsEngine
from forge.remote.batch.environments import pack
from forge.run.context import Compiles, Context, Engine, Source, Verified
from forge.run.preparation import Ready, make_ready
from forge.run.progress import Reporter
from forge.run.proposals import Proposals
from forge.run.settings import Settings
from forge.run.statements import stated, write_statements
from forge.run.summary import Summary, Tally
from harness.judge.compilation import compiling
from harness.judge.judge import HARNESS_VERSION
from harness.judge.local_engine import LocalEngine
from storage.errors import BugfoundryError
from storage.records import Bug, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path
from tasks.make import make_task

KNOWN = (
    "the profile of human bugs was fitted on {name} too: how human its bugs look is no measurement"
)
FILES_KEPT = 500
"""Source files that are kept in memory: to ask git for each bug costs more than to judge it."""


@dataclass(slots=True)
class Run:
    """What one run has seen so far."""

    waiting: dict[str, Bug] = field(default_factory=dict)
    """Bugs without a verdict: those that have one are in the store, and no longer in memory."""
    proposed: set[str] = field(default_factory=set)
    """Ids of all bugs so far: one is judged once, however often it is come upon."""
    tally: Tally = field(default_factory=Tally)
    tasks: list[str] = field(default_factory=list)
    messages: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """By valid bug, what its failing tests said; kept no longer than needed."""
    recalls: bool = False
    """Whether the messages are needed once all is judged."""
    reused: int = 0


async def forge(settings: Settings, *, store: Store, reporter: Reporter) -> Summary:
    """Make verified bugs from one repository, and return what came of it.

    Raises BugfoundryError when the source, the environment or a sandbox cannot be had.
    """
    started = time.monotonic()
    trees = Trees(settings.cache)
    ready = await make_ready(settings, store=store, trees=trees, reporter=reporter)
    summary = await forge_in(ready, settings, trees, store=store, reporter=reporter)
    return replace(summary, seconds=round(time.monotonic() - started, 2))


async def forge_in(
    ready: Ready, settings: Settings, trees: Trees, *, store: Store, reporter: Reporter
) -> Summary:
    """Make verified bugs in an environment, and return what came of it. Raises BugfoundryError."""
    started = time.monotonic()
    reporter.stage(f"{ready.repository.name}: proposing bugs")
    run = Run(recalls=settings.model.statements == "model")
    engine = engine_for(settings, ready, trees, store=store, reporter=reporter, run=run)
    async with compiling(ready.backend, ready.prepared.environment) as compiles:
        context = make_context(settings, ready, trees, compiles)
        made = await make_portfolio(settings, ready, trees, store=store, reporter=reporter)
        if settings.profile is not None and settings.profile.knows(made.name):
            reporter.note(KNOWN.format(name=made.name))
        await judge_all(
            *(made.source, engine, context, ready),
            store=store,
            reporter=reporter,
            run=run,
            mirror=made.mirror,
        )
        await write_statements(
            settings,
            ready,
            trees,
            store=store,
            engine=engine
            if isinstance(engine, LocalEngine)
            else make_engine(settings, ready, trees, store=store, reporter=reporter, run=run),
            model=made.model,
            name=made.name if made.mirror is None else made.mirror.name,
            tasks=run.tasks,
            messages=run.messages,
            reporter=reporter,
        )
    seconds = time.monotonic() - started
    return summarise(ready, run, screened=tuple(engine.screened.most_common()), seconds=seconds)


def make_engine(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: Run | None = None,
) -> LocalEngine:
    """Return the engine of this machine.

    Where selecting tests once went wrong, every test is run from then on.

    ``run`` is told what failing tests say.
    """
    environment = ready.prepared.environment

    def disagreed(text: str) -> None:
        store.set_coverage(environment.id, None)
        reporter.note(f"{ready.repository.name}: {text}")

    return LocalEngine(
        ready.backend,
        environment,
        ready.prepared.baseline,
        workers=settings.validation.workers,
        read=lru_cache(maxsize=FILES_KEPT)(lambda path: trees.read(ready.repository.tree, path)),
        limits=settings.limits,
        coverage=None if settings.validation.full else ready.prepared.coverage,
        judged=len(store.judged(environment.id, HARNESS_VERSION, "selected")),
        disagreed=disagreed,
        told=(run or Run()).messages.__setitem__,
    )


def engine_for(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: Run | None = None,
) -> LocalEngine | ActionsEngine:
    """Return the engine that judges where the repository was made ready for it."""
    if ready.place is None:
        return make_engine(settings, ready, trees, store=store, reporter=reporter, run=run)
    environment = ready.prepared.environment

    def disagreed(text: str) -> None:
        store.set_coverage(environment.id, None)
        reporter.note(f"{ready.repository.name}: {text}")

    return ActionsEngine(
        ready.place,
        pack(ready.repository, ready.prepared, ready.image, store, full=settings.validation.full),
        read=lru_cache(maxsize=FILES_KEPT)(lambda path: trees.read(ready.repository.tree, path)),
        folder=settings.cache / "batches",
        store=store,
        pace=settings.engine.pace,
        judged=len(store.judged(environment.id, HARNESS_VERSION, "selected")),
        told=(run or Run()).messages.__setitem__,
        disagreed=disagreed,
        note=lambda text: reporter.note(f"{ready.repository.name}: {text}"),
    )


def make_context(
    settings: Settings, ready: Ready, trees: Trees, compiles: Compiles | None
) -> Context:
    """Gather what sources may know: the source files, tests and excluded paths left out."""
    tree = ready.repository.tree
    modes = trees.paths(tree)
    wanted = [path for path in modes if is_source_path(path) and not ready.overrides.excludes(path)]
    files = trees.read_all(tree, wanted)
    if not files:
        raise BugfoundryError(
            f"{ready.repository.key}: no Python source files to change were found; tests, "
            "documentation and build scripts are left alone"
        )
    return Context(
        repository=ready.repository,
        environment=ready.prepared.environment,
        files=files,
        modes={path: modes[path] for path in files},
        seed=settings.proposals.seed,
        max_bugs=settings.proposals.max_bugs,
        operators=settings.proposals.operators,
        profile=settings.profile,
        compiles=compiles,
    )


async def judge_all(
    source: Source,
    engine: Engine,
    context: Context,
    ready: Ready,
    *,
    store: Store,
    reporter: Reporter,
    run: Run,
    mirror: Mirror | None = None,
) -> None:
    """Judge what the source proposes, leaving out what an earlier run has judged."""
    environment = context.environment.id
    known = store.judged(environment, HARNESS_VERSION, engine.mode)

    def keep(bug: Bug, verdict: Verdict, *, reused: bool = False) -> None:
        run.tally.judge(bug, verdict)
        if verdict.valid:
            said = run.messages.pop(bug.id, None)
            if run.recalls and said:
                run.messages[bug.id] = said
            is_mirrored = bug.origin.strategy == "mirror"
            task = (
                mirror.task(bug, verdict, said)
                if mirror is not None and is_mirrored
                else make_task(ready.repository, bug, verdict, messages=said)
            )
            store.add_task(stated(store, task, reused=reused))
            run.tasks.append(task.id)
        text = f"{ready.repository.name}: judging, {len(run.tasks)} valid"
        reporter.count(run.tally.judged, context.max_bugs or run.tally.proposed, text)

    def stored(bug: Bug) -> Verdict | None:
        if bug.id not in known:
            return None
        return store.verdict(bug.id, environment, HARNESS_VERSION, engine.mode)

    def verified() -> list[Verified]:
        verdicts = store.verdicts(environment, HARNESS_VERSION, engine.mode)
        found = ((store.bug(v.bug), v) for v in verdicts if v.valid)
        return [(bug, verdict) for bug, verdict in found if bug is not None]

    proposals = Proposals(source, context, stored, verified)
    judged: set[str] = set()

    async def fresh() -> AsyncIterator[Bug]:
        async with aclosing(proposals.bugs()) as proposed:  # type: ignore[type-var]
            async for proposal in proposed:
                bug = proposal.bug
                is_new = bug.id not in run.proposed and not proposal.asked
                if is_new:
                    run.proposed.add(bug.id)
                    run.tally.propose(bug)
                verdict = stored(bug)
                if bug.id in run.waiting:
                    continue
                if verdict is None:
                    store.add_bug(bug)
                    run.waiting[bug.id] = bug
                    yield bug
                    continue
                proposals.tell(verdict)
                if is_new:
                    store.add_bug(bug)
                    run.reused += bug.id not in judged
                    keep(bug, verdict, reused=bug.id not in judged)

    reporter.stage(f"{ready.repository.name}: judging")
    async with (
        aclosing(fresh()) as bugs,  # type: ignore[type-var]
        aclosing(engine.judge(bugs)) as verdicts,  # type: ignore[type-var]
    ):
        async for verdict in verdicts:
            store.add_verdict(verdict)
            known.add(verdict.bug)
            judged.add(verdict.bug)
            bug = run.waiting.pop(verdict.bug)
            if bug.id in run.proposed:
                keep(bug, verdict)
            proposals.tell(verdict)


def summarise(
    ready: Ready, run: Run, *, screened: tuple[tuple[str, int], ...], seconds: float
) -> Summary:
    """Count what the run came to."""
    environment, baseline = ready.prepared.environment, ready.prepared.baseline
    return Summary(
        repository=ready.repository.key,
        sandbox=environment.sandbox,
        python=environment.python,
        plan=environment.plan.name,
        tests=len(baseline.tests),
        tests_green=len(baseline.green),
        rows=run.tally.rows(),
        reasons=run.tally.reasons(),
        screened=screened,
        reused=run.reused,
        tasks=tuple(sorted(run.tasks)),
        seconds=round(seconds, 2),
    )

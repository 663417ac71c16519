"""A full run of what no test noticed: selecting tests must not be why nobody objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from bot.service.base.scene import Outcome
from bot.service.reports.ranks import rank_gaps
from bot.service.stages.base import Stage, make_stage_handler
from forge.compose import engine_for, task_maker
from forge.pulls.mirror import make_mirror
from forge.run.admission import Admission
from forge.run.context import Context
from forge.run.nouns import format_count
from forge.run.pipeline import Assembly, PipelineRun, judge_all, make_context, without_statements
from forge.run.preparation import Ready
from harness.judge.judge import HARNESS_VERSION
from storage.records import Bug
from storage.store import Store

FULL, SELECTED = "full", "selected"
UNNOTICED = "no-test-failed"
MOST = 60
"""Bugs of a repository that get a full run: each costs the whole suite, and few read of more."""
DISAGREED = (
    "the whole suite noticed {count} that the selected tests let pass; from here on every test is "
    "run"
)


async def work(stage: Stage) -> Outcome:
    """Judge what has no verdict, then give the worst of the unnoticed a full run.

    Raises BugfoundryError.
    """
    ready = await stage.ready()
    environment = ready.prepared.environment.id
    unjudged = without_verdict(stage.store, ready.repository.tree, environment)
    await judge_bugs(stage, ready, unjudged, full=False)
    doubtful = select_for_full_run(stage, ready)
    run = await judge_bugs(stage, ready, doubtful, full=True)
    noticed = len(run.tasks)
    notes = [f"{len(unjudged)} had no verdict, {len(doubtful)} were run in full"]
    if noticed:
        stage.store.set_coverage(environment, None)
        notes.append(DISAGREED.format(count=format_count(noticed, "bug")))
    return Outcome(note="; ".join(notes))


def without_verdict(store: Store, tree: str, environment: str) -> list[Bug]:
    """Return the bugs that no execution has said anything of: an earlier run was cut off."""
    known = store.list_judged_bugs(environment, HARNESS_VERSION, SELECTED)
    known |= store.list_judged_bugs(environment, HARNESS_VERSION, FULL)
    return [bug for bug in store.bugs(tree) if bug.id not in known]


def select_for_full_run(stage: Stage, ready: Ready) -> list[Bug]:
    """Return the bugs that no selected test noticed and that had no full run: the worst few."""
    store, environment = stage.store, ready.prepared.environment.id
    verdicts = store.verdicts(environment, HARNESS_VERSION, SELECTED)
    unnoticed = {verdict.bug for verdict in verdicts if verdict.reason == UNNOTICED}
    worst = rank_gaps(
        [bug for bug in store.bugs(ready.repository.tree) if bug.id in unnoticed],
        ready.prepared.coverage,
        lambda path: stage.trees.read_file(ready.repository.tree, path),
    )
    full = store.list_judged_bugs(environment, HARNESS_VERSION, FULL)
    return [gap.bug for gap in worst[:MOST] if gap.bug.id not in full]


async def judge_bugs(stage: Stage, ready: Ready, bugs: Iterable[Bug], *, full: bool) -> PipelineRun:
    """Judge bugs that are stored, as any others are."""
    bugs, run = list(bugs), PipelineRun()
    if not bugs:
        return run
    settings = stage.settings(
        ready.repository.commit,
        full=full,
        strategies=tuple({bug.origin.strategy for bug in bugs}),
    )
    mirror = await make_mirror(
        settings, ready.repository, stage.trees, store=stage.store, reporter=stage.reporter
    )

    async def source(context: Context) -> AsyncGenerator[Bug, None]:
        for bug in bugs:
            yield bug

    assembly = Assembly(
        source=source,
        engine=engine_for(
            settings, ready, stage.trees, store=stage.store, reporter=stage.reporter, run=run
        ),
        make_task=task_maker(ready.repository, mirror),
        write_statements=without_statements,
    )
    context = make_context(settings, ready, stage.trees, None)
    await judge_all(
        *(assembly, context, ready, Admission.of(ready, stage.trees)),
        store=stage.store,
        reporter=stage.reporter,
        run=run,
    )
    return run


judge = make_stage_handler("judge", work)

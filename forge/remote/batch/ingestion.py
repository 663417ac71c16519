"""Keep what came of a batch in a store, tasks included. Doing it twice changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from forge.pulls.mirror import PullRequestMirror, make_mirror
from forge.remote.batch.collection import Collected
from forge.remote.batch.environments import Packed
from forge.remote.batch.plans import Batch
from forge.run.preparation import fetch
from forge.run.progress import Reporter
from forge.run.settings import Settings
from forge.run.statements import restore_statement
from harness.runs.coverage import encode
from storage.errors import BatchError
from storage.store import Store
from storage.trees import Trees
from tasks.make import make_task

MIRROR = "mirror"
ANOTHER = "{source} holds other files than the batch was made for; check out the same commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What was new to the store."""

    verdicts: int
    known: int
    """Verdicts that it had before."""
    tasks: tuple[str, ...]
    """Of this batch, old and new."""
    for_forge: int
    """Valid mirrored bugs whose tasks `forge` makes: they need the code and the text of issues."""


async def mirror_of(
    batch: Batch, settings: Settings, *, store: Store, reporter: Reporter
) -> PullRequestMirror | None:
    """Have the code in the cache, and return what makes tasks of the batch's mirrored bugs.

    None where it has none, or they cannot be told of. Raises BatchError for other code than the
    batch's, BugfoundryError where it cannot be had.
    """
    trees = Trees(settings.cache)
    repository = fetch(settings, trees, store)
    if repository.tree != batch.planned.tree:
        raise BatchError(ANOTHER.format(source=settings.source))
    if not any(bug.origin.strategy == MIRROR for bug in batch.bugs.bugs):
        return None
    return await make_mirror(settings, repository, trees, store=store, reporter=reporter)


def ingest(
    batch: Batch, collected: Collected, store: Store, mirror: PullRequestMirror | None = None
) -> Ingested:
    """Keep verdicts, and make the tasks of valid bugs; those of mirrored ones by ``mirror``."""
    packed, planned = batch.packed, batch.planned
    keep_environment(packed, store)
    known = store.list_judged_bugs(planned.environment, planned.harness, planned.mode)
    bugs = {bug.id: bug for bug in batch.bugs.bugs}
    tasks: list[str] = []
    mirrored = 0
    for name, found in collected.found.items():
        bug = bugs[name]
        store.add_bug(bug)
        if name not in known:
            store.add_verdict(found.verdict)
        if not found.verdict.valid:
            continue
        if bug.origin.strategy != MIRROR:
            task = make_task(packed.repository, bug, found.verdict, messages=found.messages)
        elif mirror is not None:
            task = mirror.task(bug, found.verdict, found.messages)
        else:
            mirrored += 1
            continue
        store.add_task(restore_statement(store, task, reused=name in known))
        tasks.append(task.id)
    if collected.disagreed:
        store.set_coverage(planned.environment, None)
    return Ingested(
        verdicts=len(collected.found.keys() - known),
        known=len(collected.found.keys() & known),
        tasks=tuple(sorted(tasks)),
        for_forge=mirrored,
    )


def keep_environment(packed: Packed, store: Store) -> None:
    """Keep a repository and its environment, where the store does not know them."""
    environment = packed.environment
    if store.repository(environment.tree) is None:
        store.add_repository(packed.repository)
    known = {attempt.plan for attempt in store.attempts(environment.tree, environment.sandbox)}
    for attempt in packed.attempts:
        if attempt.plan not in known:
            store.add_attempt(environment.tree, environment.sandbox, attempt)
    if store.environment(environment.id) is None:
        store.add_environment(environment)
    if store.baseline(environment.id) is None:
        store.add_baseline(packed.baseline)
        if packed.coverage is not None:
            store.set_coverage(environment.id, encode(packed.coverage))

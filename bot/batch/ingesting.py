"""Keep what came of a batch in a store, tasks included. Doing it twice changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bot.batch.collecting import Collected
from bot.batch.environments import Packed
from bot.batch.plans import Batch
from bot.telling import stated
from harness.coverage import encode
from storage.store import Store
from tasks.make import make_task


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What was new to the store."""

    verdicts: int
    known: int
    """Verdicts that it had before."""
    tasks: tuple[str, ...]
    """Of this batch, old and new."""
    for_forge: int
    """Valid mirrored bugs: `forge` makes their tasks, which need the text of issues."""


def ingest(batch: Batch, collected: Collected, store: Store) -> Ingested:
    """Keep verdicts, and make the tasks of valid bugs."""
    packed, planned = batch.packed, batch.planned
    keep_environment(packed, store)
    known = store.judged(planned.environment, planned.harness, planned.mode)
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
        if bug.origin.strategy == "mirror":
            mirrored += 1
            continue
        task = make_task(packed.repository, bug, found.verdict, messages=found.messages)
        store.add_task(stated(store, task, reused=name in known))
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

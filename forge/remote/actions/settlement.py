"""When a run has ended: fetch what it left, collect and keep the verdicts. Once is enough."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from forge.remote.actions.place import BatchPlace, RunState
from forge.remote.batch.artifacts import Artifact
from forge.remote.batch.collection import Collected, Collecting
from forge.remote.batch.partition import Planned
from forge.remote.batch.plans import Batch, accept_wave
from forge.run.nouns import format_count
from storage.errors import BatchError
from storage.records import Dispatch
from storage.store import Store

log = logging.getLogger(__name__)

PLAN_2 = "plan-2.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a run came to."""

    collected: Collected
    plans: tuple[Planned, ...]
    """Those of the waves in it."""


async def settle(
    dispatch: Dispatch, batch: Batch, state: RunState, *, place: BatchPlace, store: Store
) -> Settled:
    """Keep what an ended run came to, and mark its batch as ended. Doing it again changes nothing.

    Raises BugfoundryError where the artifacts cannot be fetched.
    """
    return record(dispatch, batch, state, await fetch_artifacts(place, dispatch.run), store)


async def fetch_artifacts(place: BatchPlace, run: str) -> list[Artifact]:
    """Return all that the jobs of a run left. Raises BugfoundryError."""
    async with aclosing(place.artifacts(run)) as artifacts:
        return [artifact async for artifact in artifacts]


def record(
    dispatch: Dispatch,
    batch: Batch,
    state: RunState,
    artifacts: Sequence[Artifact],
    store: Store,
) -> Settled:
    """Keep what a run left, and mark its batch as ended."""
    settled = collect(batch, artifacts, state)
    collected = settled.collected
    for fault in collected.faults:
        log.warning("run=%s not believed: %s", dispatch.run, fault)
    keep(collected, batch, store)
    store.dispatches.set_dispatch(
        replace(
            dispatch,
            state="ended",
            used=float(state.minutes),
            verdicts=len(collected.found),
            valid=sum(each.verdict.valid for each in collected.found.values()),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            detail=describe_run_end(state, collected),
        )
    )
    return settled


def collect(batch: Batch, artifacts: Sequence[Artifact], state: RunState) -> Settled:
    """Collect the deliveries of all waves of a run."""
    plans = [batch.planned]
    faults = []
    for artifact in artifacts:
        if artifact.name.rpartition(":")[2] == PLAN_2 and not artifact.fault:
            try:
                plans.append(accept_wave(batch, artifact.data))
            except BatchError as error:
                faults.append(f"{artifact.name}: {error}")
    collecting = Collecting(batch, plans, faults=faults)
    for artifact in sorted(artifacts, key=lambda each: each.name):
        if artifact.name.startswith("verdicts-"):
            collecting.take(artifact)
    waves = [plan.wave for plan in plans]
    lost = [(waves[place], shard) for place, shard in state.lost_shards if place < len(waves)]
    return Settled(collected=collecting.collect_verdicts(lost), plans=tuple(plans))


def keep(collected: Collected, batch: Batch, store: Store) -> None:
    """Keep verdicts that the store has not; its bugs and environment are there."""
    planned = batch.planned
    known = store.list_judged_bugs(planned.environment, planned.harness, planned.mode)
    bugs = {bug.id: bug for bug in batch.bugs.bugs}
    for name, found in collected.found.items():
        if name not in known:
            store.add_bug(bugs[name])
            store.add_verdict(found.verdict)


def describe_run_end(state: RunState, collected: Collected) -> str:
    """Say how a run ended, where not as it should."""
    parts = [] if state.conclusion == "success" else [f"the run: {state.conclusion}"]
    missing = len(collected.missing)
    parts += [f"{format_count(missing, 'bug')} without verdict"] if missing else []
    parts += (
        [f"{format_count(len(collected.faults), 'delivery', 'deliveries')} not believed"]
        if collected.faults
        else []
    )
    return "; ".join(parts)

"""What runs of GitHub Actions came to is taken in: when we are told, and when we were not."""

from __future__ import annotations

import json

from bot.service.base.scene import Outcome, Scene
from bot.service.repositories.chores import ingest_job
from forge.remote.actions.github_place import GitHubPlace
from forge.remote.actions.mirrors import BRANCH
from forge.remote.actions.settlement import fetch_artifacts, record
from forge.remote.batch.plans import read_batch
from forge.run.nouns import format_count
from storage.errors import BatchError, GitHubMissing
from storage.records import Dispatch
from storage.store import Store
from storage.tables.dispatches import ACTIONS
from storage.tables.jobs import Job
from storage.trees import Trees

AGAIN = 300.0
"""Seconds after which a run that goes on is looked at again."""


async def ingest(job: Job, scene: Scene) -> Outcome:
    """Keep the verdicts of a run that has ended. One that is not ours, or known, is left alone."""
    run = str(json.loads(job.payload)["run"])
    dispatch = await scene.keeper(lambda store: store.dispatches.of_run(run))
    if dispatch is None or dispatch.state == "ended":
        return Outcome(note="no batch of ours" if dispatch is None else "known already")
    place = place_of(dispatch, job, scene)
    try:
        state = await place.state(run)
    except GitHubMissing:
        return await give_up(dispatch, "the run is gone", scene)
    if not state.ended:
        later = ingest_job(job.repository, job.installation, int(run), due=scene.clock() + AGAIN)
        return Outcome(note="it goes on", jobs=(later,))
    try:
        batch = read_batch(scene.config.cache / "batches" / dispatch.plan)
    except BatchError as error:
        return await give_up(dispatch, str(error), scene)
    left = await fetch_artifacts(place, run)
    settled = await scene.keeper(lambda store: record(dispatch, batch, state, left, store))
    collected = settled.collected
    verdicts = format_count(len(collected.found), "verdict")
    return Outcome(note=f"{verdicts}, {len(collected.missing)} missing")


def place_of(dispatch: Dispatch, job: Job, scene: Scene) -> GitHubPlace:
    """Return the place where a run is looked at. Nothing is put there."""

    async def token() -> str:
        return await scene.hub.token(job.installation)

    return GitHubPlace(
        scene.hub.installation(job.installation),
        dispatch.place.removeprefix(ACTIONS),
        code="",
        branch=BRANCH,
        registry="",
        url=scene.config.app.web_url,
        token=token,
        trees=Trees(scene.config.cache),
    )


async def give_up(dispatch: Dispatch, why: str, scene: Scene) -> Outcome:
    """Mark a batch of which nothing can be known any more; its bugs are judged again."""
    await scene.keeper(lambda store: store.dispatches.end(dispatch.plan, why))
    return Outcome(note=why)


async def find_runs(job: Job, scene: Scene) -> Outcome:
    """Ask for every run to be taken in that was dispatched and is not known to have ended."""
    account = scene.config.work.engine.mirrors
    if not account:
        return Outcome(note="no mirrors")
    found = await scene.keeper(lambda store: missed_runs(store, account))
    jobs = tuple(ingest_job(0, installation, run) for installation, run in found)
    return Outcome(note=format_count(len(jobs), "run"), jobs=jobs)


def missed_runs(store: Store, account: str) -> list[tuple[int, int]]:
    """Return installation and run of what was dispatched and is not known to have ended."""
    here = [
        each.id
        for each in store.hosted.installations()
        if each.account.casefold() == account.casefold() and each.state == "active"
    ]
    return [
        (installation, int(dispatch.run))
        for installation in here[:1]
        for dispatch in store.dispatches.open()
        if dispatch.run.isdecimal()
        and dispatch.place.casefold().startswith(f"{ACTIONS}{account}/".casefold())
    ]

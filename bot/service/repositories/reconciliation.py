"""Compares what is stored with what GitHub says, so that a webhook that was lost does no harm."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from bot.service.base.allowance import may_write
from bot.service.base.scene import Outcome, Scene
from bot.service.repositories.chores import ALL, marks_job, reconcile_job
from bot.service.repositories.optin import Sight
from bot.service.repositories.refresh import look_into, refresh, store_sight
from forge.run.nouns import format_count
from mirror.github.present_state import (
    GitHubInstallation as Found,
)
from mirror.github.present_state import (
    GitHubRepository,
    installation_repositories,
    installations,
    look_at_installation,
)
from storage.errors import GitHubMissing, GitHubSuspended
from storage.tables.hosted import Hosted, Installation
from storage.tables.jobs import Job
from storage.tables.rows import to_json


async def reconcile(job: Job, scene: Scene) -> Outcome:
    """Look at an installation and all its repositories, or which installations there are."""
    if job.subject == ALL:
        return await _reconcile_each(scene)
    number, began = int(job.subject), scene.clock()
    try:
        found = await look_at_installation(scene.hub.as_app(), number)
    except GitHubMissing:
        return await _mark_gone(scene, number)
    if found.suspended:
        return await _mark_suspended(scene, found)
    try:
        seen = await installation_repositories(scene.hub.installation(number))
    except GitHubSuspended:
        return await _mark_suspended(scene, found)
    await _keep(scene, found)
    return await _reconcile_repositories(scene, number, seen, began)


async def _reconcile_each(scene: Scene) -> Outcome:
    found = {one.id for one in await installations(scene.hub.as_app())}
    known = await scene.keeper(lambda store: store.hosted.installations())
    numbers = found | {one.id for one in known if one.state != "gone"}
    # One that is gone may still be named by repositories that were not looked at since.
    hosted = await scene.keeper(lambda store: store.hosted.all())
    numbers |= {one.installation for one in hosted if one.state != "gone"}
    jobs = tuple(reconcile_job(number) for number in sorted(numbers))
    return Outcome(note=f"{len(found)} installations", jobs=jobs)


async def _reconcile_repositories(
    scene: Scene, number: int, seen: list[GitHubRepository], began: float
) -> Outcome:
    """Look at each repository; at those that the installation no longer has, too."""
    known = {one.id: one for one in await _list_known(scene, number)}
    # Those that are opted in come first: an installation may have thousands.
    seen.sort(key=lambda one: (not may_write(known.get(one.id)), one.id))
    said: Counter[str] = Counter()
    for count, one in enumerate(seen):
        scene.progress(f"{count} of {len(seen)} repositories")
        said[await _look_at(scene, number, one, began)] += 1
    for lost in sorted(known.keys() - {one.id for one in seen}):
        await refresh(scene, lost)
    hosted = await _list_known(scene, number)
    jobs = tuple(marks_job(one) for one in hosted if may_write(one))
    repositories = format_count(len(seen), "repository", "repositories")
    return Outcome(note=f"{repositories}, {len(jobs)} opted in", jobs=jobs)


async def _look_at(scene: Scene, number: int, seen: GitHubRepository, began: float) -> str:
    before = await scene.keeper(lambda store: store.hosted.get(seen.id))
    try:
        sight = await look_into(scene.hub.installation(number), seen, number, before)
        if await store_sight(scene, before, replace(sight, began=began)) is not None:
            return "seen"
    except GitHubMissing:
        pass
    # It changed while we looked.
    await refresh(scene, seen.id)
    return "seen again"


async def _mark_gone(scene: Scene, number: int) -> Outcome:
    known = await scene.keeper(lambda store: store.hosted.installation(number))
    for one in await _list_known(scene, number):
        # Another installation may have it now.
        await refresh(scene, one.id)
    if known is None:
        return Outcome(note="gone")
    gone = Installation(
        id=number,
        account=known.account,
        kind=known.kind,
        state="gone",
        selection=known.selection,
        permissions=known.permissions,
        looked=scene.clock(),
    )
    return Outcome(note="gone", changes=(lambda store: store.hosted.put_installation(gone),))


async def _mark_suspended(scene: Scene, found: Found) -> Outcome:
    await _keep(scene, found, suspended=True)
    for one in await _list_known(scene, found.id):
        sight = Sight(id=one.id, installation=found.id, suspended=True, began=scene.clock())
        if await store_sight(scene, one, sight) is None:
            await refresh(scene, one.id)
    return Outcome(note="suspended")


async def _keep(scene: Scene, found: Found, *, suspended: bool = False) -> None:
    kept = Installation(
        id=found.id,
        account=found.account,
        kind=found.kind,
        state="suspended" if suspended else "active",
        selection="all" if found.every_repository else "selected",
        permissions=to_json(dict(found.permissions)),
        looked=scene.clock(),
    )
    await scene.keeper(lambda store: store.hosted.put_installation(kept))


async def _list_known(scene: Scene, number: int) -> list[Hosted]:
    known = await scene.keeper(lambda store: store.hosted.all(installation=number))
    return [one for one in known if one.state != "gone"]

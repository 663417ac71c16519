"""Looks at a repository as it is now, and stores what follows from that, all or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.service.base.allowance import may_write
from bot.service.base.scene import Outcome, Scene
from bot.service.outbox.outbox import OUTBOX
from bot.service.repositories.chores import marks_job
from bot.service.repositories.optin import (
    LABEL,
    OptInDecision,
    Sight,
    Word,
    decide,
    has_label,
    tells_nothing_new,
)
from bot.service.repositories.plan import STAGES, WORK, first_stage_job, stage_job
from bot.service.repositories.wishes import Wishes, read_wishes, wishes_of
from harness.detect.config import SPELLINGS
from mirror.github.client import GitHub
from mirror.github.present_state import (
    GitHubRepository,
    branch_head,
    file_at,
    installation_of,
    labels,
    look_at_repository,
)
from storage.errors import BugfoundryError, GitHubMissing, GitHubSuspended
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

ATTEMPTS = 5
DAY = 86400.0
LOOKED_SINCE = "looked at since"

FindLabeller = Callable[[GitHub, str], Awaitable[Word]]
"""Given the repository's name, tells of who has just touched its label."""


class Overtaken(BugfoundryError):
    """Others changed what was looked at, again and again; looked at later it will stand still."""


async def refresh(
    scene: Scene,
    number: int,
    *,
    received_at: float | None = None,
    find_labeller: FindLabeller | None = None,
) -> Outcome:
    """Look at a repository and store what follows. Raises BugfoundryError.

    Not where it was looked at since it was ``told`` of: of many deliveries that waited, one look
    sees them all.
    """
    for _ in range(ATTEMPTS):
        before = await scene.keeper(lambda s: s.hosted.get(number))
        heard = find_labeller is not None
        if received_at is not None and tells_nothing_new(
            before, received_at, scene.clock(), heard=heard
        ):
            return Outcome(note=LOOKED_SINCE)
        sight, word = await look(scene, number, before, find_labeller)
        said = await store_sight(scene, before, sight, word=word)
        if said is not None:
            return Outcome(note=said)
    raise Overtaken(f"repository {number} changed each time it was looked at; try again")


async def look(
    scene: Scene, number: int, before: Hosted | None, find_labeller: FindLabeller | None = None
) -> tuple[Sight, Word | None]:
    """Return a repository as it is now, and who touched its label. Raises GitHubError."""
    began = scene.clock()
    gone = Sight(id=number, began=began)
    found = await installation_of(scene.hub.as_app(), number)
    if found is None:
        return gone, None
    if found.suspended:
        return replace(gone, installation=found.id, suspended=True), None
    github = scene.hub.installation(found.id)
    try:
        seen = await look_at_repository(github, number)
        sight = await look_into(github, seen, found.id, before)
        word = (
            await find_labeller(github, seen.name)
            if find_labeller and has_label(sight.labels, LABEL)
            else None
        )
    except GitHubSuspended:
        return replace(gone, installation=found.id, suspended=True), None
    except GitHubMissing:
        return gone, None
    return replace(sight, began=began), word


async def look_into(
    github: GitHub, seen: GitHubRepository, installation: int, before: Hosted | None
) -> Sight:
    """Return what matters inside a repository. Raises GitHubError."""
    sight = Sight(id=seen.id, installation=installation, repository=seen)
    found = await labels(github, seen.name)
    if not has_label(found, LABEL):
        return replace(sight, labels=found)
    head = await branch_head(github, seen.name, seen.default_branch)
    unread = before is None or not before.opted_in or head != before.head
    wishes = await _wishes(github, seen, head, before) if head and unread else None
    return replace(sight, labels=found, head=head, wishes=wishes)


async def store_sight(
    scene: Scene, before: Hosted | None, sight: Sight, *, word: Word | None = None
) -> str | None:
    """Store what follows, and say what it is; None when the repository changed since ``before``."""
    now, days = scene.clock(), scene.config.work.rebuild_days

    def write(store: Store) -> str | None:
        with store.together():
            if store.hosted.get(sight.id) != before:
                return None
            decision = decide(before, sight, now=now, word=word)
            return (
                "nothing to us" if decision is None else _follow(store, before, decision, now, days)
            )

    return await scene.keeper(write)


def _follow(
    store: Store, before: Hosted | None, decision: OptInDecision, now: float, days: float
) -> str:
    hosted = decision.hosted
    store.hosted.put_repository(hosted)
    if before is not None and before.name != hosted.name:
        store.pulls.rename(before.name, hosted.name)
    if decision.stops:
        store.jobs.cancel(hosted.id, now=now, queues=(WORK, OUTBOX), why=decision.stops)
        return f"{hosted.name} stopped: {decision.stops}"
    if decision.begins:
        store.jobs.put_jobs([first_stage_job(hosted), marks_job(hosted)], now)
        return f"{hosted.name} begins"
    if may_write(hosted):
        store.jobs.put_jobs(rebuild(store, hosted, now=now, days=days), now)
    state = "in" if hosted.opted_in else "out"
    return f"{hosted.name} {hosted.state}, opted {state}: {hosted.because}"


def rebuild(store: Store, hosted: Hosted, *, now: float, days: float) -> list[NewJob]:
    """Return the job of a new environment, due so many days after the last, where one is needed."""
    if not hosted.head or hosted.head == hosted.commit:
        return []
    job = store.jobs.get(STAGES[0], str(hosted.id))
    if job is not None and job.state in ("waiting", "running"):
        return []
    last = max(hosted.built, job.ended if job is not None else 0.0)
    # A clock that was ahead must not put it off for longer than the time between two.
    return [stage_job(hosted, STAGES[0], due=min(last, now) + days * DAY)]


async def _wishes(
    github: GitHub, seen: GitHubRepository, head: str, before: Hosted | None
) -> Wishes:
    held = wishes_of(before) if before is not None else Wishes()
    for path in SPELLINGS:
        data = await file_at(github, seen.name, path, head)
        if data is not None:
            return read_wishes(data, held, path=path)
    return read_wishes(None, held)

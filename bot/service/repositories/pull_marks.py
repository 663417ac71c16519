"""What maintainers want of single pull requests: read from their labels, and kept."""

from __future__ import annotations

from typing import Any

from bot.service.base.allowance import find_allowed
from bot.service.base.scene import Change, Outcome, Scene
from bot.service.repositories.optin import LABEL, LABELLERS, SKIP, decide_mark, has_label, way_of
from bot.service.repositories.plan import URGENT, WORK, pull_job
from forge.run.nouns import format_count
from mirror.github.labels import labelled_pulls, who_labelled
from mirror.github.present_state import Pull, look_at_pull, permission
from storage.errors import GitHubMissing
from storage.store import Store
from storage.tables.hosted import Hosted, Mark, Marked
from storage.tables.jobs import Job, NewJob

KEPT_OUT = "a maintainer keeps it out"


async def look_at_marks(job: Job, scene: Scene) -> Outcome:
    """Look which pull requests of a repository have a label, and which no longer have."""
    hosted = await scene.keeper(lambda s: find_allowed(s, job.repository))
    if hosted is None:
        return Outcome(note="not opted in")
    github = scene.hub.installation(hosted.installation)
    numbers: set[int] = set()
    for label in (LABEL, SKIP):
        numbers |= set(await labelled_pulls(github, hosted.name, label))
    known = await scene.keeper(lambda s: s.hosted.marks(hosted.id))
    numbers |= {one.number for one in known if way_of(one) == "label"}
    changes = [await look_at_mark(scene, hosted, number) for number in sorted(numbers)]
    return Outcome(note=format_count(len(numbers), "pull request"), changes=tuple(changes))


async def look_at_mark(scene: Scene, hosted: Hosted, number: int) -> Change:
    """Return what follows from the labels that a pull request has now. Raises GitHubError."""
    github = scene.hub.installation(hosted.installation)
    try:
        pull = await look_at_pull(github, hosted.name, number)
    except GitHubMissing:
        return lambda store: store.hosted.unmark(hosted.id, number)
    setter = None
    if has_label(pull.labels, LABEL):
        login = await who_labelled(github, hosted.name, number, LABEL)
        if login and await permission(github, hosted.name, login) in LABELLERS:
            setter = login
    now = scene.clock()

    def write(store: Store) -> None:
        before = store.hosted.mark_of(hosted.id, number)
        mark, by = decide_mark(before, pull.labels, setter=setter)
        remark(store, hosted, pull, mark, by=by, now=now)

    return write


def remark(
    store: Store, hosted: Hosted, pull: Pull, mark: Mark | None, *, by: str, now: float
) -> None:
    """Keep what is wanted of a pull request, and have done what is new about it."""
    before = store.hosted.mark_of(hosted.id, pull.number)
    if mark is None:
        store.hosted.unmark(hosted.id, pull.number)
        return
    if before is not None and (before.mark, before.by) == (mark, by):
        return
    wanted = Marked(repository=hosted.id, number=pull.number, mark=mark, by=by, since=now)
    store.hosted.mark(wanted)
    present = find_allowed(store, hosted.id)
    if mark == "skip":
        subject = f"{hosted.id}:{pull.number}"
        store.jobs.cancel(hosted.id, now=now, queues=(WORK,), why=KEPT_OUT, subject=subject)
    elif (pull.open or pull.merged) and present is not None:
        store.jobs.put_jobs([pull_of(present, pull)], now)


def pull_of(hosted: Hosted, pull: Pull, *, asked: bool = True) -> NewJob:
    """Return the job of mirroring a pull request; next, where a person asked for it."""
    payload: dict[str, Any] = {"asked": True} if asked else {}
    if pull.merged:
        payload["merged"] = pull.merge_commit
    return pull_job(hosted, pull.number, priority=URGENT if asked else 0, **payload)

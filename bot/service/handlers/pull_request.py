"""A pull request was labelled, or merged."""

from __future__ import annotations

import json

from bot.service.base.allowance import find_allowed
from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.handlers.people import hosted_of
from bot.service.repositories.optin import LABEL, SKIP, has_label
from bot.service.repositories.pull_marks import look_at_mark, pull_of
from mirror.github.present_state import Pull, look_at_pull
from storage.errors import GitHubMissing
from storage.store import Store
from storage.tables.jobs import Job

NOT_OPTED_IN = Outcome(note="not opted in")


@on("pull_request", "labeled", "unlabeled")
async def pull_labelled(event: WebhookEvent, scene: Scene) -> Outcome:
    """See what the labels of the pull request ask for now."""
    label = str((event.payload.get("label") or {}).get("name") or "")
    if not has_label((LABEL, SKIP), label):
        return Outcome(note="another label")
    hosted = await hosted_of(event, scene)
    if hosted is None:
        return NOT_OPTED_IN
    number = int(event.payload["number"])
    return Outcome(note=f"#{number}", changes=(await look_at_mark(scene, hosted, number),))


@on("pull_request", "closed")
async def pull_closed(event: WebhookEvent, scene: Scene) -> Outcome:
    """Have a pull request mirrored once it is merged, unless it is kept out."""
    hosted = await hosted_of(event, scene)
    if hosted is None:
        return NOT_OPTED_IN
    number = int(event.payload["number"])
    try:
        github = scene.hub.installation(hosted.installation)
        pull = await look_at_pull(github, hosted.name, number)
    except GitHubMissing:
        return Outcome(note=f"#{number} is gone")
    if not pull.merged:
        return Outcome(note=f"#{number} is not merged")
    look = await look_at_mark(scene, hosted, number)

    def mirror(store: Store) -> None:
        look(store)
        present, mark = find_allowed(store, hosted.id), store.hosted.mark_of(hosted.id, number)
        if present is None or (mark and mark.mark == "skip"):
            return
        job = pull_of(present, pull, asked=mark is not None)
        if not _is_requested(store.jobs.get(job.kind, job.subject), pull):
            store.jobs.put_jobs([job], scene.clock())

    return Outcome(note=f"#{number} is merged", changes=(mirror,))


def _is_requested(job: Job | None, pull: Pull) -> bool:
    """Tell whether a pull request was asked for since it was merged."""
    if job is None or job.state == "cancelled":
        return False
    return bool(json.loads(job.payload).get("merged") == pull.merge_commit)

"""A repository was renamed, moved, archived, hidden, shown or deleted; or more code came."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.repositories.refresh import refresh


@on(
    "repository",
    "archived",
    "deleted",
    "edited",
    "privatized",
    "publicized",
    "renamed",
    "transferred",
    "unarchived",
)
async def repository_changed(event: WebhookEvent, scene: Scene) -> Outcome:
    """See what the repository is now."""
    return await refresh(scene, event.repository, received_at=event.received)


@on("push")
async def branch_pushed(event: WebhookEvent, scene: Scene) -> Outcome:
    """See where the default branch is now: what was built is stale, and in time built anew."""
    hosted = await scene.keeper(lambda store: store.hosted.get(event.repository))
    if hosted is None or not hosted.opted_in:
        return Outcome(note="not opted in")
    if event.payload.get("ref") != f"refs/heads/{hosted.default_branch}":
        return Outcome(note="another branch")
    return await refresh(scene, event.repository, received_at=event.received)

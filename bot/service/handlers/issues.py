"""An issue that a known pull request closed says something else now, or has other labels."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.handlers.people import hosted_of
from mirror.github.issues import fetch_issues


@on("issues", "labeled", "unlabeled", "edited")
async def issue_changed(event: WebhookEvent, scene: Scene) -> Outcome:
    """Keep an issue that was crawled as it is now; tasks that were made of it stay as they are."""
    hosted = await hosted_of(event, scene)
    if hosted is None:
        return Outcome(note="not opted in")
    number = int(event.payload["issue"]["number"])
    name = hosted.name
    if await scene.keeper(lambda store: store.pulls.issue(name, number)) is None:
        return Outcome(note="an issue that no pull request closed")
    found = await fetch_issues(scene.hub.installation(hosted.installation), name, [number])
    if not found:
        return Outcome(note=f"#{number} is gone")
    return Outcome(note=f"#{number}", changes=(lambda store: store.pulls.add((), found),))

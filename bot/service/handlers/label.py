"""The label of a repository opts it in; without it, it is opted out."""

from __future__ import annotations

from bot.service.handlers.events import Event, on
from bot.service.handlers.people import may_command, sender
from bot.service.optin import LABEL, has
from bot.service.refreshing import refresh
from bot.service.scene import Outcome, Scene
from mirror.github.client import GitHub


@on("label", "created", "edited", "deleted")
async def label_changed(event: Event, scene: Scene) -> Outcome:
    """See whether the repository is opted in now, when it was its label that changed."""
    if not has(names_in(event), LABEL):
        return Outcome(note="another label")
    who = sender(event)

    async def trusting(github: GitHub, repository: str) -> bool:
        return await may_command(github, repository, who)

    made = event.action != "deleted"
    return await refresh(scene, event.repository, trusting=trusting if made else None)


def names_in(event: Event) -> list[str]:
    """Return the name that a label has, and the one that it had before."""
    label = event.payload.get("label") or {}
    was = ((event.payload.get("changes") or {}).get("name") or {}).get("from")
    return [str(name) for name in (label.get("name"), was) if name]

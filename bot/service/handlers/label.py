"""The label of a repository opts it in; without it, it is opted out."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.handlers.people import may_command, sender
from bot.service.repositories.optin import LABEL, Word, has_label
from bot.service.repositories.refresh import refresh
from mirror.github.client import GitHub


@on("label", "created", "edited", "deleted")
async def label_changed(event: WebhookEvent, scene: Scene) -> Outcome:
    """See whether the repository is opted in now, when it was its label that changed."""
    if not has_label(names_in(event), LABEL):
        return Outcome(note="another label")
    who, made = sender(event), event.action == "created" or bool(name_before(event))

    async def find_labeller(github: GitHub, repository: str) -> Word:
        return Word(may=await may_command(github, repository, who), made=made)

    there = event.action != "deleted"
    return await refresh(
        scene,
        event.repository,
        received_at=event.received,
        find_labeller=find_labeller if there else None,
    )


def names_in(event: WebhookEvent) -> list[str]:
    """Return the name that a label has, and the one that it had before."""
    label = event.payload.get("label") or {}
    return [str(name) for name in (label.get("name"), name_before(event)) if name]


def name_before(event: WebhookEvent) -> str:
    """Return the name that a label had before; empty where that did not change."""
    changed = (event.payload.get("changes") or {}).get("name") or {}
    return str(changed.get("from") or "")

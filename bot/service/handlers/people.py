"""Who caused an event, and what they may do now: who is not known may nothing."""

from __future__ import annotations

from bot.service.base.allowance import find_allowed
from bot.service.base.scene import Scene
from bot.service.handlers.events import WebhookEvent
from bot.service.repositories.optin import WRITERS
from mirror.github.client import GitHub
from mirror.github.present_state import permission
from storage.tables.hosted import Hosted


def sender(event: WebhookEvent) -> str:
    """Return the login of the person who caused an event; empty for programs and the unknown."""
    found = event.payload.get("sender") or {}
    return str(found.get("login") or "") if found.get("type") == "User" else ""


async def may_command(github: GitHub, repository: str, login: str) -> bool:
    """Tell whether somebody may have the App do things in a repository. Raises GitHubError."""
    return bool(login) and await permission(github, repository, login) in WRITERS


async def hosted_of(event: WebhookEvent, scene: Scene) -> Hosted | None:
    """Return the repository of an event, if it is opted in and can be worked on."""
    return await scene.keeper(lambda store: find_allowed(store, event.repository))

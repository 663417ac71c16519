"""The App was installed, removed, suspended, or given other repositories."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.repositories.chores import reconcile_job


@on("installation", "created", "deleted", "new_permissions_accepted", "suspend", "unsuspend")
@on("installation_repositories", "added", "removed")
async def installation_changed(event: WebhookEvent, scene: Scene) -> Outcome:
    """Have the installation and all its repositories looked at: they may be thousands."""
    if not event.installation:
        return Outcome(note="no installation")
    return Outcome(note="to be looked at", jobs=(reconcile_job(event.installation),))

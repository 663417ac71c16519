"""A run of GitHub Actions ended in one of the operator's mirrors."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.repositories.chores import ingest_job


@on("workflow_run", "completed")
async def run_completed(event: WebhookEvent, scene: Scene) -> Outcome:
    """Have the verdicts of the run taken in."""
    name = str((event.payload.get("repository") or {}).get("full_name") or "")
    owner = scene.config.work.engine.mirrors
    if not owner or name.partition("/")[0].casefold() != owner.casefold():
        return Outcome(note="not in a mirror of ours")
    run = int(event.payload["workflow_run"]["id"])
    job = ingest_job(event.repository, event.installation, run)
    return Outcome(note=f"run {run}", jobs=(job,))

"""Mutations of the syntax tree."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, staged


async def work(stage: Stage) -> Outcome:
    """Mutate, and judge. Raises BugfoundryError."""
    return await stage.forged("procedural")


procedural = staged("procedural", work)

"""Mutations of the syntax tree."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, make_stage_handler


async def work(stage: Stage) -> Outcome:
    """Mutate, and judge. Raises BugfoundryError."""
    return await stage.forge_strategies("procedural")


procedural = make_stage_handler("procedural", work)

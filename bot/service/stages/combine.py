"""Bugs that are verified, joined."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, make_stage_handler


async def work(stage: Stage) -> Outcome:
    """Join bugs, and judge. Raises BugfoundryError."""
    return await stage.forge_strategies("combine")


combine = make_stage_handler("combine", work)

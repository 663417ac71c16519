"""Bugs that are verified, joined."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, staged


async def work(stage: Stage) -> Outcome:
    """Join bugs, and judge. Raises BugfoundryError."""
    return await stage.forged("combine")


combine = staged("combine", work)

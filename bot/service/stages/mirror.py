"""The mirror: fixes that people made, undone on the code that serves."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, make_stage_handler


async def work(stage: Stage) -> Outcome:
    """Undo the pull requests that were chosen, and judge. Raises BugfoundryError."""
    return await stage.forge_strategies("mirror")


mirror = make_stage_handler("mirror", work)

"""Bugs by a language model: bodies written anew, and slips put in."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, make_stage_handler
from forge.compose import make_model

STRATEGIES = ("rewrite", "modify")
NO_MODEL = "rewrite and modify are left out: no language model is configured"
NO_DOLLARS = "rewrite and modify are left out: limits.repository_dollars is 0"


async def work(stage: Stage) -> Outcome:
    """Ask the model within the limits, and judge. Raises BugfoundryError."""
    if not stage.config.limits.repository_dollars:
        return Outcome(note=NO_DOLLARS)
    if make_model(stage.settings(), stage.store) is None:
        return Outcome(note=NO_MODEL)
    return await stage.forge_strategies(*STRATEGIES)


model = make_stage_handler("model", work)

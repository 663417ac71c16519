"""The strategies as sources of bugs: each adapts one room to the shape the pipeline knows."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.context import Context
from mutators.procedural import propose
from storage.records import Bug


async def procedural(context: Context) -> AsyncIterator[Bug]:
    """Mutations of the syntax tree."""
    for bug in propose(
        context.repository.tree,
        context.files,
        context.modes,
        seed=context.seed,
        max_bugs=context.max_bugs,
        compiles=None,
        operators=context.operators,
    ):
        yield bug

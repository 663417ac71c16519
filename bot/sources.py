"""The strategies as sources of bugs: each adapts one room to the shape the pipeline knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bot.context import Context
from mutators.procedural import propose
from storage.records import Bug


async def procedural(context: Context) -> AsyncIterator[Bug]:
    """Mutations of the syntax tree."""
    bugs = propose(
        context.repository.tree,
        context.files,
        context.modes,
        seed=context.seed,
        max_bugs=context.max_bugs,
        compiles=context.compiles,
        operators=context.operators,
    )
    while (bug := await asyncio.to_thread(next, bugs, None)) is not None:
        yield bug

"""The strategies as sources of bugs: each adapts one room to the shape the pipeline knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from bot.context import Context, Source
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


def one_after_another(sources: Sequence[Source]) -> Source:
    """Return a source that proposes what several do, in their order, up to the context's limit."""

    async def chained(context: Context) -> AsyncIterator[Bug]:
        seen: set[str] = set()
        for source in sources:
            left = None if context.max_bugs is None else context.max_bugs - len(seen)
            if left == 0:
                return
            async with aclosing(source(replace(context, max_bugs=left))) as bugs:  # type: ignore[type-var]
                async for bug in bugs:
                    if bug.id in seen:
                        continue
                    seen.add(bug.id)
                    yield bug
                    if len(seen) == context.max_bugs:
                        return

    return chained

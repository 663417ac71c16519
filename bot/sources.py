"""The strategies as sources of bugs: each adapts one room to the shape the pipeline knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from typing import Protocol

from bot.context import Context, Source
from llm.client import Model
from mutators.asking import AT_ONCE, Counts
from mutators.checking import Compiles
from mutators.combine import combined
from mutators.modify import CANDIDATES, modified
from mutators.procedural import propose
from mutators.rewrite import CANDIDATES as BODIES
from mutators.rewrite import rewritten
from storage.errors import ConfigError
from storage.records import Bug

Note = Callable[[str], None]


class Proposing(Protocol):
    """A strategy of mutators/ that asks a model."""

    def __call__(
        self,
        tree: str,
        files: Mapping[str, bytes],
        modes: Mapping[str, str],
        *,
        model: Model,
        seed: int,
        max_bugs: int | None,
        candidates: int,
        at_once: int,
        compiles: Compiles | None,
        counts: Counts | None,
    ) -> AsyncIterator[Bug]: ...


MODELLED: Mapping[str, Proposing] = {"modify": modified, "rewrite": rewritten}
"""Strategies that are nothing without a model."""
TRIES = 4
"""Sets that are tried for each joined bug that is wanted."""
SIDE_BY_SIDE = 4
"""Joined bugs that are judged at once."""
MANY = 1000
"""Questions that one batch may hold: the more, the fewer batches have to be waited for."""
STRATEGIES = ("mirror", "procedural", *MODELLED, "combine")


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


async def combine(context: Context) -> AsyncIterator[Bug]:
    """Join bugs that are verified: those of earlier runs, and what came before it in this one."""
    assert context.judge is not None
    assert context.verified is not None
    limit = context.max_bugs
    bugs = combined(
        await context.verified(),
        context.files,
        judge=context.judge,
        seed=context.seed,
        max_bugs=limit,
        max_tries=None if limit is None else TRIES * limit,
        side_by_side=SIDE_BY_SIDE,
    )
    async with aclosing(bugs):  # type: ignore[type-var]
        async for bug in bugs:
            yield bug


def asking(strategy: str, model: Model, note: Note, *, candidates: int) -> Source:
    """Return the source of a strategy that asks a model; why it ended early is noted.

    ``candidates`` are the bugs asked for in one call.
    """

    async def source(context: Context) -> AsyncIterator[Bug]:
        counts = Counts()
        bugs = MODELLED[strategy](
            context.repository.tree,
            context.files,
            context.modes,
            model=model.within(strategy=strategy),
            seed=context.seed,
            max_bugs=context.max_bugs,
            candidates=candidates,
            at_once=MANY if model.waits_for_many else AT_ONCE,
            compiles=context.compiles,
            counts=counts,
        )
        async with aclosing(bugs):  # type: ignore[type-var]
            async for bug in bugs:
                yield bug
        if counts.ended:
            note(f"{strategy} ended after {counts.proposed} bugs: {counts.detail}")

    return source


PLAIN: Mapping[str, Source] = {"procedural": procedural, "combine": combine}


def sources(
    strategies: Sequence[str],
    *,
    mirror: Source | None,
    model: Model | None,
    note: Note,
    candidates: int = CANDIDATES,
) -> Source:
    """Return the strategies as one source; those that cannot be are left out, and named.

    ``candidates`` are the mistakes that ``modify`` asks for in one call.

    Neighbours that could go on for ever share what the others leave of the limit. Raises
    ConfigError when nothing is left.
    """
    without = [name for name in strategies if name in MODELLED and model is None]
    if without:
        missing = (
            f"{', '.join(without)}: no language model is configured; set ANTHROPIC_API_KEY and a "
            "--model-budget"
        )
        if set(without) == set(strategies):
            raise ConfigError(missing)
        note(missing)
    found: list[Source] = []
    for is_mirror, names in groupby(strategies, key=lambda name: name == "mirror"):
        if is_mirror:
            found += [mirror] if mirror is not None else []
            continue
        group = [
            asking(name, model, note, candidates=candidates if name == "modify" else BODIES)
            if model is not None and name in MODELLED
            else PLAIN[name]
            for name in names
            if name not in without
        ]
        found += [shared_out(group)] if len(group) > 1 else group
    return one_after_another(found)


def shared_out(parts: Sequence[Source]) -> Source:
    """Return a source that takes as much from each of several, in their order.

    What one leaves over goes to those that had more to give.
    """

    async def shared(context: Context) -> AsyncIterator[Bug]:
        limit = context.max_bugs
        if limit is None:
            async for bug in one_after_another(parts)(context):
                yield bug
            return
        seen: set[str] = set()
        given = [0] * len(parts)
        open_parts = list(range(len(parts)))
        while open_parts and len(seen) < limit:
            more = []
            for place, number in enumerate(open_parts):
                part = -(-(limit - len(seen)) // (len(open_parts) - place))
                given[number] += part
                came = taken = 0
                bugs = parts[number](replace(context, max_bugs=given[number]))
                async with aclosing(bugs):  # type: ignore[type-var]
                    async for bug in bugs:
                        came += 1
                        if bug.id not in seen:
                            seen.add(bug.id)
                            taken += 1
                            yield bug
                        if taken == part:
                            break
                if taken == part or came == given[number]:
                    more.append(number)
            open_parts = more

    return shared


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

"""The strategies as sources of bugs: each adapts one room to the shape the pipeline knows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby

from forge.run.context import Context, Source
from forge.run.nouns import format_count
from forge.run.ordered_work import MANY
from llm.client import Model
from mutators import CANDIDATES
from mutators.combination.combine import combined_bugs
from mutators.model.modify import MODIFY
from mutators.model.questions import AT_ONCE, Counts, Modelled
from mutators.model.rewrite import REWRITE
from mutators.procedural import propose
from mutators.transcription import transcribe
from storage.errors import ConfigError, PatchError
from storage.records import Bug
from syntax.encodings import EncodingRefused

Note = Callable[[str], None]
MIRROR = "mirror"


MODELLED: Mapping[str, Modelled] = {each.name: each for each in (MODIFY, REWRITE)}
"""Strategies that are nothing without a model."""
TRIES = 4
"""Sets that are tried for each joined bug that is wanted."""
SIDE_BY_SIDE = 4
"""Joined bugs that are judged at once."""
STRATEGIES = (MIRROR, "procedural", *MODELLED, "combine")


async def procedural(context: Context) -> AsyncGenerator[Bug, None]:
    """Mutations of the syntax tree."""
    bugs = propose(
        context.repository.tree,
        context.files,
        context.modes,
        seed=context.seed,
        max_bugs=context.max_bugs,
        compiles=context.compiles,
        operators=context.operators,
        profile=context.profile,
        tests=context.tests,
    )
    while (bug := await asyncio.to_thread(next, bugs, None)) is not None:
        yield bug


async def combine(context: Context) -> AsyncGenerator[Bug, None]:
    """Join bugs that are verified: those of earlier runs, and what came before it in this one."""
    assert context.judge is not None
    assert context.wait_for_valid is not None
    limit = context.max_bugs
    bugs = combined_bugs(
        await context.wait_for_valid(),
        context.files,
        judge=context.judge,
        seed=context.seed,
        max_bugs=limit,
        max_tries=None if limit is None else TRIES * limit,
        side_by_side=SIDE_BY_SIDE,
    )
    async with aclosing(bugs):
        async for bug in bugs:
            yield bug


def make_model_source(strategy: str, model: Model, note: Note, *, candidates: int) -> Source:
    """Return the source of a strategy that asks a model; why it ended early is noted.

    ``candidates`` are the bugs asked for in one call.
    """

    async def source(context: Context) -> AsyncGenerator[Bug, None]:
        counts = Counts()
        bugs = MODELLED[strategy].bugs(
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
            tests=context.tests,
        )
        async with aclosing(bugs):
            async for bug in bugs:
                yield bug
        if counts.ended:
            note(f"{strategy} ended after {format_count(counts.proposed, 'bug')}: {counts.detail}")

    return source


def sources(
    strategies: Sequence[str],
    *,
    mirror: Source | None,
    model: Model | None,
    note: Note,
    candidates: int = CANDIDATES,
    at_most: Mapping[str, int] | None = None,
) -> Source:
    """Return the strategies as one source; those that cannot be are left out, and named.

    ``candidates`` are the mistakes that ``modify`` asks for in one call, ``at_most`` the bugs that
    some strategies may propose.

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
    for is_mirror, names in groupby(strategies, key=lambda name: name == MIRROR):
        group = [
            limit_source(source, (at_most or {}).get(name))
            for name in names
            if (source := source_of(name, mirror, model, note, candidates)) is not None
        ]
        found += group if is_mirror or len(group) < 2 else [share_sources(group)]
    return chain_sources(found)


def source_of(
    name: str, mirror: Source | None, model: Model | None, note: Note, candidates: int
) -> Source | None:
    """Return a strategy as a source; None for one that cannot be."""
    if name == MIRROR:
        return mirror
    if name == "combine":
        return combine
    if name == "procedural":
        return transcribe_source(procedural, note)
    if model is None:
        return None
    most = candidates_of(MODELLED[name], candidates)
    return transcribe_source(make_model_source(name, model, note, candidates=most), note)


def transcribe_source(source: Source, note: Note) -> Source:
    """Return a source that is shown each file as UTF-8; its bugs are of the files as they are."""

    async def propose_transcribed(context: Context) -> AsyncGenerator[Bug, None]:
        found = context.transcription
        if found is None:
            found = await asyncio.to_thread(transcribe, context.files)
        refused: Counter[str] = Counter()
        async with aclosing(source(replace(context, files=found.files))) as bugs:
            async for bug in bugs:
                try:
                    restored = found.restore(bug)
                except (EncodingRefused, PatchError) as error:
                    refused[str(error)] += 1
                    continue
                yield restored
        for why, count in refused.items():
            note(f"{format_count(count, 'bug')} left out: {why}")

    return propose_transcribed


def candidates_of(strategy: Modelled, wanted: int) -> int:
    """Return the changes that are asked for in one call: ``wanted`` is meant for ``modify``."""
    return wanted if strategy is MODIFY else strategy.candidates


def limit_source(source: Source, most: int | None) -> Source:
    """Return a source that proposes so many bugs at most."""
    if most is None:
        return source

    def propose_limited(context: Context) -> AsyncGenerator[Bug, None]:
        limit = most if context.max_bugs is None else min(most, context.max_bugs)
        return chain_sources([source])(replace(context, max_bugs=limit))

    return propose_limited


def share_sources(parts: Sequence[Source]) -> Source:
    """Return a source that takes as much from each of several, in their order.

    What one leaves over goes to those that had more to give.
    """

    async def propose_shared(context: Context) -> AsyncGenerator[Bug, None]:
        limit = context.max_bugs
        if limit is None:
            async for bug in chain_sources(parts)(context):
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
                async with aclosing(bugs):
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

    return propose_shared


def chain_sources(sources: Sequence[Source]) -> Source:
    """Return a source that proposes what several do, in their order, up to the context's limit."""

    async def propose_in_order(context: Context) -> AsyncGenerator[Bug, None]:
        seen: set[str] = set()
        for source in sources:
            left = None if context.max_bugs is None else context.max_bugs - len(seen)
            if left == 0:
                return
            async with aclosing(source(replace(context, max_bugs=left))) as bugs:
                async for bug in bugs:
                    if bug.id in seen:
                        continue
                    seen.add(bug.id)
                    yield bug
                    if len(seen) == context.max_bugs:
                        return

    return propose_in_order


def limit_of(at_most: Mapping[str, int], strategy: str, share: int) -> int:
    """Return how many bugs a strategy may propose, where its share of the limit is known."""
    return min(at_most.get(strategy, share), share)

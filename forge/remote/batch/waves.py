"""What is to be judged again after a wave: the shards that failed, alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from forge.remote.batch.collection import NOTHING, Collected
from forge.remote.batch.durations import Expected
from forge.remote.batch.partition import MOST_SHARDS, Planned, balance_shards, minutes, shard_of
from forge.remote.batch.plans import Batch

PIECES = 4
"""A shard that left nothing twice is cut into so many, to close in on what killed it."""


def next_wave(
    batch: Batch, plans: Sequence[Planned], collected: Collected, expected: Sequence[Expected]
) -> Planned | None:
    """Return the plan for what is missing, or None where nothing is.

    Each failed shard is judged again for itself, without the bugs that have a verdict. What a
    runner died under is judged last there, one at a time.
    """
    if not collected.missing:
        return None
    parts = list(pieces(plans, collected))
    if len(parts) > MOST_SHARDS:
        parts = [shard.bugs for shard in balance_shards(expected, collected.missing, MOST_SHARDS)]
    shy = {place for place, bug in enumerate(batch.bugs.bugs) if bug.id in collected.deaths}
    shards = tuple(
        shard_of(expected, number, part, alone=shy & set(part)) for number, part in enumerate(parts)
    )
    last = plans[-1]
    return replace(
        last,
        shards=shards,
        left=(),
        deaths=tuple(
            (place, collected.deaths[bug.id])
            for place, bug in enumerate(batch.bugs.bugs)
            if bug.id in collected.deaths
        ),
        wave=last.wave + 1,
        minutes=minutes(shards, last.workers),
    )


def pieces(plans: Sequence[Planned], collected: Collected) -> Iterator[tuple[int, ...]]:
    """Yield the bugs of each shard to come."""
    missing = set(collected.missing)
    last = plans[-1]
    states = {each.shard: each for each in collected.shards if each.wave == last.wave}
    for shard in last.shards:
        part = tuple(place for place in shard.bugs if place in missing)
        missing -= set(part)
        if not part:
            continue
        if states[shard.number].state == NOTHING and last.wave > 1:
            size = -(-len(part) // PIECES)
            yield from (part[start : start + size] for start in range(0, len(part), size))
        else:
            yield part
    if missing:
        yield tuple(sorted(missing))

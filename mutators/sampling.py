"""Take sites evenly over files, operators and entities, in an order that a seed decides."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, zip_longest
from random import Random

from mutators.operator import Operator, Source
from mutators.sites import Site, sites

Load = Callable[[str], Source | None]


def sampled(
    paths: Iterable[str], load: Load, operators: Collection[Operator], *, seed: int
) -> Iterator[tuple[Source, Site]]:
    """Yield every site once: files in turn, of each the operator least used so far.

    Files are parsed when their first turn comes, so that a small sample of a large repository
    costs little.
    """
    order = sorted(paths)
    Random(seed).shuffle(order)
    ranks = {operator.name: rank for rank, operator in enumerate(operators)}
    used: Counter[str] = Counter()
    turns: deque[tuple[Source, dict[str, Iterator[Site]]]] = deque()
    for path in order:
        source = load(path)
        if source is None:
            continue
        piles = interleaved(source, operators, seed=seed)
        site = take(piles, used, ranks)
        if site is not None:
            yield source, site
            turns.append((source, piles))
    while turns:
        source, piles = turns.popleft()
        site = take(piles, used, ranks)
        if site is not None:
            yield source, site
            turns.append((source, piles))


def take(
    piles: dict[str, Iterator[Site]], used: Counter[str], ranks: dict[str, int]
) -> Site | None:
    """Take the next site of the operator that was used least; None when the file has no more."""
    while piles:
        name = min(piles, key=lambda n: (used[n], ranks[n]))
        site = next(piles[name], None)
        if site is not None:
            used[name] += 1
            return site
        del piles[name]
    return None


def interleaved(
    source: Source, operators: Collection[Operator], *, seed: int
) -> dict[str, Iterator[Site]]:
    """The sites of a file, a pile for each operator, in which the entities take turns."""
    groups: dict[str, dict[str, list[Site]]] = {}
    for site in sites(source, operators):
        groups.setdefault(site.operator.name, {}).setdefault(site.entity, []).append(site)
    return {
        name: rounds(list(entities.values()), Random(f"{seed}:{source.path}:{name}"))
        for name, entities in sorted(groups.items())
    }


def rounds(groups: list[list[Site]], chance: Random) -> Iterator[Site]:
    """Mix each group and the groups, then take one of each in turn."""
    for group in groups:
        chance.shuffle(group)
    chance.shuffle(groups)
    mixed = chain.from_iterable(zip_longest(*groups))
    return (site for site in mixed if site is not None)

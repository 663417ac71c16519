"""Take edits evenly over files, operators and entities, in an order that a seed decides."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from random import Random

from mutators.base.operator import Operator, ParsedSource, Scattered
from mutators.base.sites import Site, sites
from syntax.splices import Splices

Load = Callable[[str], ParsedSource | None]


@dataclass(frozen=True, slots=True)
class SiteEdit:
    """One change that an operator makes on account of one site."""

    site: Site
    splices: Splices


def sample_edits(
    paths: Iterable[str], load: Load, operators: Collection[Operator], *, seed: int
) -> Iterator[tuple[ParsedSource, SiteEdit]]:
    """Yield every edit once: files in turn, of each the operator least used so far.

    Files are parsed when their first turn comes, so that a small sample of a large repository
    costs little.
    """
    order = sorted(paths)
    Random(seed).shuffle(order)
    ranks = {operator.name: rank for rank, operator in enumerate(operators)}
    used: Counter[str] = Counter()
    turns: deque[tuple[ParsedSource, dict[str, Iterator[SiteEdit]]]] = deque()
    for path in order:
        source = load(path)
        if source is None:
            continue
        piles = interleave_edits(source, operators, seed=seed)
        edit = take(piles, used, ranks)
        if edit is not None:
            yield source, edit
            turns.append((source, piles))
    while turns:
        source, piles = turns.popleft()
        edit = take(piles, used, ranks)
        if edit is not None:
            yield source, edit
            turns.append((source, piles))


def take(
    piles: dict[str, Iterator[SiteEdit]], used: Counter[str], ranks: dict[str, int]
) -> SiteEdit | None:
    """Take the next edit of the operator that was used least; None when the file has no more."""
    while piles:
        name = min(piles, key=lambda n: (used[n], ranks[n]))
        edit = next(piles[name], None)
        if edit is not None:
            used[name] += 1
            return edit
        del piles[name]
    return None


def interleave_edits(
    source: ParsedSource, operators: Collection[Operator], *, seed: int
) -> dict[str, Iterator[SiteEdit]]:
    """The edits of a file, a pile for each operator, in which the entities take turns."""
    groups: dict[str, dict[str, list[Site]]] = {}
    for site in sites(source, operators):
        groups.setdefault(site.operator.name, {}).setdefault(site.entity, []).append(site)
    return {
        name: rounds(list(entities.values()), source, Random(f"{seed}:{source.path}:{name}"))
        for name, entities in sorted(groups.items())
    }


def rounds(groups: list[list[Site]], source: ParsedSource, chance: Random) -> Iterator[SiteEdit]:
    """Mix each group and the groups, then take one of each in turn."""
    mixed = [shuffle_edits(group, source, chance) for group in groups]
    chance.shuffle(mixed)
    taken = chain.from_iterable(zip_longest(*mixed))
    return (edit for edit in taken if edit is not None)


def shuffle_edits(group: list[Site], source: ParsedSource, chance: Random) -> Iterable[SiteEdit]:
    """Mix the edits of some sites; what takes long to find is looked for when its turn comes."""
    if isinstance(group[0].operator, Scattered):
        chance.shuffle(group)
        return chain.from_iterable(edits_of(site, source) for site in group)
    edits = [edit for site in group for edit in edits_of(site, source)]
    chance.shuffle(edits)
    return edits


def edits_of(site: Site, source: ParsedSource) -> Iterator[SiteEdit]:
    """The edits on account of one site."""
    return (SiteEdit(site, change) for change in site.operator.changes(site.node, source))

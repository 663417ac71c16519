"""Which parts of an undoing to leave out where the whole does not stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set

from mirror.undo.results import FixPart, units_of
from mirror.undo.units import MergeUnit

WORD = re.compile(rb"\w+")


def blame_units(
    parts: Sequence[FixPart],
    dropped: Set[int],
    broken: Set[str],
    stands_without: Callable[[frozenset[int]], bool],
) -> dict[int, str]:
    """Choose the units to leave out, by their ``id``, each with the reason.

    ``broken`` are files that do not parse and names in use without a definition. Those go that take
    away what is in use, or need what is gone; where none can be named, all that do not stand
    together with the others. ``stands_without`` says whether the rest stands without some units.
    """
    units = [unit for unit in units_of(parts) if id(unit) not in dropped]
    # The surest cause first, and no other in the same round: a unit that is left out may be what
    # made another look guilty. Whoever called asks again with what is broken then.
    blamed = {id(unit): "used" for unit in units if broken & set(unit.removes)}
    if blamed:
        return blamed
    paths = {part.home for part in parts} | {unit.path for unit in units}
    # Only the last part of ``Cart.total``: the text that is put back says ``self.total``.
    gone = {name.rpartition(".")[2].encode() for name in broken - paths}
    for unit in units:
        texts = b"\n".join(splice.text for splice in unit.splices)
        # Whole words: what needs ``total_of`` does not need ``total``.
        if gone & set(WORD.findall(texts)):
            blamed[id(unit)] = "needs-what-is-gone"
    if blamed:
        return blamed
    # Last: names that statements bind are common ones (``result``, ``i``), so this says least.
    blamed = {id(unit): "used" for unit in units if broken & unit.binds}
    return blamed or find_misfits(parts, units, stands_without)


def find_misfits(
    parts: Sequence[FixPart],
    units: Sequence[MergeUnit],
    stands_without: Callable[[frozenset[int]], bool],
) -> dict[int, str]:
    """Put definition after definition together, and return what breaks those before it."""
    # By definition and not by unit: half of what the fix did to a function rarely stands alone, and
    # each trial reads whole files, so that this grows with the number of groups.
    groups: dict[str, list[MergeUnit]] = {}
    for unit in units:
        groups.setdefault(unit.entity, []).append(unit)
    everything = frozenset(id(unit) for unit in units_of(parts))
    kept: set[int] = set()
    for group in groups.values():
        wanted = kept | {id(unit) for unit in group}
        if stands_without(everything - wanted):
            kept = wanted
    return {id(unit): "conflict" for unit in units if id(unit) not in kept}

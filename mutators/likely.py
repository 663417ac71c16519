"""Choose, of many candidates, those that look like people's bugs.

Candidates are drawn by the likelihood ratio of a profile, without replacement, by the keys of
P. Efraimidis and P. Spirakis, *Weighted random sampling with a reservoir*, Information Processing
Letters 97(5), 2006, https://doi.org/10.1016/j.ipl.2005.11.003: what is drawn in the proportion of
human to made bugs is distributed as human bugs are, as far as operators can make their like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeVar

from storage.records import Bug
from syntax.features.features import features_of, sides_of
from syntax.features.profile import Profile, read_profile
from syntax.patch_text import apply_patch

Candidate = TypeVar("Candidate")

SHIPPED = Path(__file__).parent / "human.json"
FIRST = 256
"""Candidates that are looked at before the first is drawn."""
EACH = 16
"""Candidates that are looked at for each that is drawn."""
UNFITTED = Profile(date="", origins=(), bias=0.0, trees=())
"""Weighs all alike: what is drawn by it are the candidates that a run looks at."""


@cache
def shipped_profile() -> Profile:
    """Return the profile that comes with the project."""
    return read_profile(SHIPPED.read_bytes(), SHIPPED.name)


def draw_by_weight(
    candidates: Iterable[Candidate], weigh: Callable[[Candidate], float], *, seed: int
) -> Iterator[Candidate]:
    """Yield all candidates once, those of a large weight sooner.

    Deterministic by seed; what is drawn first does not depend on how many are drawn.
    """
    chance = Random(seed)
    waiting: list[tuple[float, int, Candidate]] = []
    numbered = enumerate(candidates)
    wanted = FIRST
    while True:
        for number, candidate in islice(numbered, wanted):
            # The largest of log(u) / weight is the least of its negative.
            key = -math.log(1.0 - chance.random()) / weigh(candidate)
            heappush(waiting, (key, number, candidate))
        if not waiting:
            return
        yield heappop(waiting)[2]
        wanted = EACH


def ratio_of(bug: Bug, files: Mapping[str, bytes], profile: Profile) -> float:
    """Return how much likelier a bug is a person's than a made one."""
    found = features_of(sides_of(apply_patch(bug.patch, files.get), files))
    return profile.ratio(found.numbers() if found is not None else {})

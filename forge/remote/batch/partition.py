"""Which job judges which bugs: shards that are expected to take equally long. Pure."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from forge.remote.batch.durations import Expected
from storage.records import digest

MOST_SHARDS = 256
"""Jobs that one matrix of GitHub Actions may have."""
SETTING_UP = 90.0
"""Seconds until a job judges its first bug: its machine, bugfoundry, the image, a sandbox."""
AROUND = 2
"""Jobs around the shards: one that plans, one that collects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What one job judges: positions in the batch."""

    number: int
    bugs: tuple[int, ...]
    seconds: float = 0.0
    """Expected, of one worker."""
    tests: int = 0
    """Expected to be run."""
    alone: tuple[int, ...] = ()
    """Of the bugs, those judged after all others, one at a time: a runner died under them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A batch, spread over jobs. Names are those of the files beside it."""

    bugs: str
    environment_file: str
    tree: str
    environment: str
    harness: str
    mode: str
    shards: tuple[Shard, ...]
    audited: tuple[int, ...] = ()
    """Positions of the bugs that are judged both ways, whichever shard they are in."""
    left: tuple[int, ...] = ()
    """Positions of the bugs for which no shard has room: for a later batch."""
    deaths: tuple[tuple[int, int], ...] = ()
    """By position, how often a runner died under a bug in the waves before."""
    workers: int = 1
    wave: int = 1
    serial: int = 1
    """Tells apart plans for the same bugs, sent again after the first came to nothing."""
    minutes: int = 0
    """Runner minutes that are expected to be paid, each job's rounded up."""
    schema: int = field(default=1)

    @property
    def id(self) -> str:
        """Names the plan by all that a shard goes by."""
        shards = [f"{shard.number} {shard.bugs} {shard.alone}" for shard in self.shards]
        parts = (self.bugs, self.environment_file, self.environment, self.harness, self.mode)
        return digest(*parts, str((self.wave, self.serial, self.audited, self.deaths)), *shards)[
            :32
        ]

    def shard(self, number: int) -> Shard | None:
        """Return a shard by its number."""
        return next((shard for shard in self.shards if shard.number == number), None)

    @property
    def seconds(self) -> float:
        """Expected of all shards together, of one worker."""
        return sum(shard.seconds for shard in self.shards)

    @property
    def imbalance(self) -> float:
        """The slowest shard over the mean; 1.0 is perfect."""
        if not self.shards or not self.seconds:
            return 1.0
        return max(shard.seconds for shard in self.shards) * len(self.shards) / self.seconds


def spread_bugs(
    expected: Sequence[Expected],
    positions: Iterable[int],
    *,
    aim: float,
    workers: int,
    shards: int | None = None,
) -> tuple[tuple[Shard, ...], tuple[int, ...]]:
    """Return shards of about ``aim`` minutes each, and the positions for which there is no room.

    ``shards`` fixes their number. The longest bug goes first, always to the shard that has least
    to do (Graham 1969): the slowest is at most a third above the best there is.
    """
    wanted = list(positions)
    room = aim * 60 * workers
    taken: list[int] = wanted
    left: list[int] = []
    if shards is None:
        taken, left = split_by_room(expected, wanted, MOST_SHARDS * room)
        shards = math.ceil(sum(expected[place].seconds for place in taken) / room)
    count = max(1, min(shards, MOST_SHARDS, len(taken)))
    return balance_shards(expected, taken, count), tuple(left)


def split_by_room(
    expected: Sequence[Expected], positions: Sequence[int], room: float
) -> tuple[list[int], list[int]]:
    """Split positions where the room is used up; one goes in any case."""
    used = 0.0
    for number, place in enumerate(positions):
        used += expected[place].seconds
        if number and used > room:
            return list(positions[:number]), list(positions[number:])
    return list(positions), []


def balance_shards(
    expected: Sequence[Expected], positions: Sequence[int], count: int
) -> tuple[Shard, ...]:
    """Spread positions over so many shards."""
    if not positions:
        return ()
    heap = [(0.0, number) for number in range(count)]
    parts: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(positions, key=lambda place: (-expected[place].seconds, place)):
        load, number = heapq.heappop(heap)
        parts[number].append(place)
        heapq.heappush(heap, (load + expected[place].seconds, number))
    return tuple(shard_of(expected, number, part) for number, part in enumerate(parts))


def shard_of(
    expected: Sequence[Expected], number: int, part: Iterable[int], alone: Iterable[int] = ()
) -> Shard:
    """Return a shard with what is expected of it."""
    bugs = tuple(sorted(part))
    return Shard(
        number=number,
        bugs=bugs,
        seconds=round(sum(expected[place].seconds for place in bugs), 3),
        tests=sum(expected[place].tests for place in bugs),
        alone=tuple(sorted(alone)),
    )


def minutes(shards: Sequence[Shard], workers: int) -> int:
    """Return the runner minutes that these shards and the jobs around them will be charged."""
    if not shards:
        return 0
    return AROUND + sum(math.ceil((SETTING_UP + each.seconds / workers) / 60) for each in shards)

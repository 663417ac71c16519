"""Put together what the shards of a batch delivered, and say what is missing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from forge.remote.batch.artifacts import Artifact
from forge.remote.batch.line_files import parse_line
from forge.remote.batch.partition import Planned, Shard
from forge.remote.batch.plans import Batch
from forge.remote.batch.shard_lines import ShardResult, read_delivery
from forge.remote.batch.shards import DEATHS, set_aside
from storage.errors import BatchError
from storage.records import Verdict

BROKEN = "sandbox-broken"
"""Says nothing of the bug: it is judged again elsewhere."""
NOTHING = "nothing"
DIED = "died"
Place = tuple[int, int]
"""Wave and number of a shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedVerdict:
    """One verdict, and what the failing tests said."""

    verdict: Verdict
    messages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """What came of one shard."""

    wave: int
    shard: int
    bugs: int
    missing: tuple[int, ...]
    """Positions of its bugs that have no verdict."""
    state: str
    """How its last process ended; ``died`` where it did not, ``nothing`` where none is known."""
    expected: float
    """Seconds of one worker."""
    seconds: float
    tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What is known of a batch."""

    found: Mapping[str, CollectedVerdict]
    """By bug, in the order of the batch."""
    missing: tuple[int, ...]
    """Positions of planned bugs without a verdict."""
    shards: tuple[ShardState, ...]
    deaths: Mapping[str, int]
    """By bug without a verdict, how often a runner died under it."""
    faults: tuple[str, ...] = ()
    """What was not believed, and why, one line each."""
    disagreed: tuple[str, ...] = ()
    repeated: int = 0
    """Deliveries that were there already."""


@dataclass(slots=True)
class Collecting:
    """Takes deliveries for the plans of one batch, the first wave first."""

    batch: Batch
    plans: Sequence[Planned]
    faults: list[str] = field(default_factory=list)
    repeated: int = 0
    _taken: dict[Place, list[tuple[bytes, ShardResult]]] = field(default_factory=dict)

    def take(self, artifact: Artifact) -> None:
        """Take what came of a job. What is not believed is noted, and nothing of it is used."""
        try:
            if artifact.fault:
                raise BatchError(artifact.fault)
            place, delivery = self._parse_result(artifact.data)
        except BatchError as error:
            self.faults.append(f"{artifact.name}: {' '.join(str(error).split())[:300]}")
            return
        known = self._taken.setdefault(place, [])
        for number, (data, _) in enumerate(known):
            if data.startswith(artifact.data) or artifact.data.startswith(data):
                self.repeated += 1
                if len(artifact.data) > len(data):
                    known[number] = artifact.data, delivery
                return
        known.append((artifact.data, delivery))

    def _parse_result(self, data: bytes) -> tuple[Place, ShardResult]:
        if not data:
            raise BatchError("it is empty")
        head = parse_line(data.partition(b"\n")[0], "it")
        planned = next((each for each in self.plans if each.id == head.get("plan")), None)
        if planned is None:
            raise BatchError("it is a delivery for another plan")
        ids = [bug.id for bug in self.batch.bugs.bugs]
        delivery = read_delivery(data, planned, ids, self.batch.packed.baseline.green)
        return (planned.wave, delivery.head.shard), delivery

    def collect_verdicts(self, lost: Collection[Place] = ()) -> Collected:
        """Return what is known now.

        ``lost`` are shards whose job failed without a word; a bug that was alone in one is blamed.
        """
        ids = [bug.id for bug in self.batch.bugs.bugs]
        places = sorted({place for _, shard in self._planned_shards() for place in shard.bugs})
        found = self._find_first_verdicts()
        deaths = self._deaths(lost)
        planned_ids = {ids[place] for place in places}
        for bug, count in deaths.items():
            if bug in planned_ids and bug not in found and count >= DEATHS:
                found[bug] = CollectedVerdict(verdict=set_aside(bug, self.batch, count))
        return Collected(
            found={ids[place]: found[ids[place]] for place in places if ids[place] in found},
            missing=tuple(place for place in places if ids[place] not in found),
            shards=tuple(
                self._state(wave, shard, {ids[place] for place in places} & found.keys())
                for wave, shard in self._planned_shards()
            ),
            deaths={bug: count for bug, count in deaths.items() if bug not in found},
            faults=tuple(self.faults),
            disagreed=tuple(text for each in self._deliveries() for text in each.disagreed),
            repeated=self.repeated,
        )

    def _planned_shards(self) -> Iterator[tuple[int, Shard]]:
        for planned in self.plans:
            for shard in planned.shards:
                yield planned.wave, shard

    def _deliveries(self) -> Iterator[ShardResult]:
        for place in sorted(self._taken):
            for _, delivery in self._taken[place]:
                yield delivery

    def _find_first_verdicts(self) -> dict[str, CollectedVerdict]:
        """The first verdict on each bug; that a sandbox broke counts when it did so twice."""
        found: dict[str, CollectedVerdict] = {}
        broken: Counter[str] = Counter()
        for delivery in self._deliveries():
            for verdict, messages in delivery.verdicts:
                if verdict.reason == BROKEN:
                    broken[verdict.bug] += 1
                    if broken[verdict.bug] < DEATHS:
                        continue
                found.setdefault(verdict.bug, CollectedVerdict(verdict=verdict, messages=messages))
        return found

    def _deaths(self, lost: Collection[Place]) -> Counter[str]:
        bugs = self.batch.bugs.bugs
        deaths = Counter({bugs[place].id: count for place, count in self.plans[0].deaths})
        deaths.update(bug for each in self._deliveries() for bug in each.died_under)
        for wave, shard in self._planned_shards():
            place = wave, shard.number
            if place in lost and place not in self._taken and len(shard.bugs) == 1:
                deaths[bugs[shard.bugs[0]].id] += 1
        return deaths

    def _state(self, wave: int, shard: Shard, found: Collection[str]) -> ShardState:
        taken = [delivery for _, delivery in self._taken.get((wave, shard.number), ())]
        bugs = self.batch.bugs.bugs
        return ShardState(
            wave=wave,
            shard=shard.number,
            bugs=len(shard.bugs),
            missing=tuple(place for place in shard.bugs if bugs[place].id not in found),
            state=(taken[-1].ended or DIED) if taken else NOTHING,
            expected=shard.seconds,
            seconds=round(sum(each.seconds for each in taken), 3),
            tests=sum(each.tests for each in taken),
        )

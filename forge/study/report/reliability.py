"""What ``bugfoundry verify`` found of exported tasks, read from beside them and summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from forge.grade.carried_tasks import Row, read_rows
from forge.grade.probes import Probe, key_of
from forge.grade.rounds import Round, RoundsScore, score
from forge.run.ledger import read_ledger, results_path
from storage.errors import SourceError

UNPROVED = "{path} was not verified yet; run `bugfoundry verify {path}` first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A task of an export, and what was seen of it."""

    repository: str
    strategy: str
    score: RoundsScore
    rounds: tuple[Round, ...]
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityLine:
    """Some tasks together."""

    name: str
    tasks: int
    """Of which at least one round was run."""
    holding: int
    """Of which every round that was run held."""
    rounds: int
    held: int
    tried: int
    """Wrong patches."""
    accepted: int
    """Wrong patches that were taken for a solution."""

    @property
    def share(self) -> float:
        """Of the tasks, how many hold; 0 to 1."""
        return self.holding / self.tasks if self.tasks else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsLine:
    """The rounds under the same conditions."""

    name: str
    rounds: int
    held: int


def read_reliability(exports: Iterable[Path]) -> tuple[Proved, ...]:
    """Read what is known of the tasks of exports; a task of several counts once.

    Raises SourceError for a file that is no export or was not verified, ConfigError for results
    that cannot be read.
    """
    found: dict[str, Proved] = {}
    for export in exports:
        own = {each.score.instance_id: each for each in _read_export(export)}
        if not own:
            raise SourceError(UNPROVED.format(path=export))
        found |= own
    return tuple(found[name] for name in sorted(found))


def _read_export(export: Path) -> list[Proved]:
    rounds, probes = defaultdict[str, list[Round]](list), defaultdict[str, list[Probe]](list)
    for value in results(export, "verified"):
        rounds[value["task"]].append(msgspec.convert(value, Round))
    for value in results(export, "probed"):
        probes[value["task"]].append(msgspec.convert(value, Probe))
    found = []
    for row in read_rows(export):
        name, content = row["instance_id"], row["content_sha256"]
        ran = [each for each in rounds[name] if each.content == content]
        tried = [e for e in probes[name] if e.key == key_of(content, e.kind, e.patch)]
        if ran or tried:
            found.append(_make_proved(row, ran, tried))
    return found


def results(export: Path, what: str) -> Iterator[Mapping[str, Any]]:
    """Yield what is kept beside an export; nothing where there is nothing."""
    held, _ = read_ledger(results_path(export, what))
    yield from held.values()


def _make_proved(row: Row, rounds: Sequence[Round], probes: Sequence[Probe]) -> Proved:
    return Proved(
        repository=row["repo"],
        strategy=row["strategy"],
        score=score(row["instance_id"], rounds),
        rounds=tuple(rounds),
        probes=tuple(probes),
    )


def lines(tasks: Sequence[Proved], by: Callable[[Proved], str]) -> list[ReliabilityLine]:
    """Sum up tasks by what is asked of each, in the order of its answers."""
    names = sorted({by(each) for each in tasks})
    return [overall(name, [each for each in tasks if by(each) == name]) for name in names]


def overall(name: str, tasks: Sequence[Proved]) -> ReliabilityLine:
    """Sum up tasks under a name."""
    probes = [probe for each in tasks for probe in each.probes if not probe.error]
    ran = [each.score for each in tasks if each.score.rounds]
    return ReliabilityLine(
        name=name,
        tasks=len(ran),
        holding=sum(each.holds for each in ran),
        rounds=sum(each.rounds for each in ran),
        held=sum(each.held for each in ran),
        tried=len(probes),
        accepted=sum(probe.accepted for probe in probes),
    )


def by_conditions(tasks: Sequence[Proved]) -> list[ConditionsLine]:
    """Sum up rounds by their conditions, in the order in which they are run."""
    rounds = sorted((each for task in tasks for each in task.rounds), key=lambda each: each.number)
    names = list(dict.fromkeys(each.conditions for each in rounds))
    return [
        ConditionsLine(
            name=name,
            rounds=sum(each.conditions == name for each in rounds),
            held=sum(each.conditions == name and not each.reason for each in rounds),
        )
        for name in names
    ]

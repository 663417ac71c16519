"""Choose which verified bugs to join: near one another, used evenly, each with tests of its own.

Near is: in one file, in one package, or as caller and callee. A set is worth trying when every
parent is noticed by a test that no other of them is noticed by; what else is joined can hardly be
told from one of its parts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import PurePosixPath
from random import Random
from typing import Literal

from mutators.combination.call_graph import CallGraph, Function
from mutators.combination.joined_bugs import Joiner
from storage.records import Bug, Verdict

Relation = Literal["same-file", "same-package", "caller-callee"]
RELATIONS: tuple[Relation, ...] = ("same-file", "same-package", "caller-callee")
SIZES: tuple[int, ...] = (2, 3, 2, 2, 4, 2, 3, 2, 5)
"""How many are joined, in turn: most often two."""
TRIES = 24
"""Sets that are looked at from one bug on, before another bug is begun with."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A verified bug, and the tests that notice it."""

    bug: Bug
    id: str
    """The bug's, computed once."""
    fail_to_pass: frozenset[str]
    pass_to_pass: int
    """How many tests do not notice it."""

    @classmethod
    def of(cls, bug: Bug, verdict: Verdict) -> Parent | None:
        """Make a parent of a valid bug that is no joined one itself."""
        if not verdict.valid or verdict.bug != bug.id or bug.origin.strategy == "combine":
            return None
        return cls(bug, verdict.bug, frozenset(verdict.fail_to_pass), len(verdict.pass_to_pass))


@dataclass(frozen=True, slots=True)
class Combination:
    """Parents to join, by id, and what they have to do with one another."""

    relation: Relation
    parents: tuple[Parent, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(parent.id for parent in self.parents)


@dataclass(slots=True)
class ParentPool:
    """The parents there are, and which of them can go together."""

    parents: tuple[Parent, ...]
    joiner: Joiner
    near: ParentNeighbours
    _pairs: dict[frozenset[str], bool] = field(default_factory=dict)

    @classmethod
    def of(cls, parents: Sequence[Parent], files: Mapping[str, bytes]) -> ParentPool:
        """Take the parents that apply to the files, and find out which are near one another."""
        joiner = Joiner(files)
        by_id = {parent.id: parent for parent in parents if joiner.parts(parent.bug)}
        known = tuple(by_id[key] for key in sorted(by_id))
        return cls(known, joiner, ParentNeighbours.of(known, joiner))

    def is_promising(self, parents: Sequence[Parent]) -> bool:
        """Say whether each has a test of its own, most tests stay green, and the last one fits."""
        *before, newest = parents
        if not all(self.can_pair(parent, newest) for parent in before):
            return False
        seen = Counter(test for parent in parents for test in parent.fail_to_pass)
        if not all(any(seen[test] == 1 for test in parent.fail_to_pass) for parent in parents):
            return False
        tests = min(len(parent.fail_to_pass) + parent.pass_to_pass for parent in parents)
        return 2 * len(seen) <= tests

    def can_pair(self, one: Parent, other: Parent) -> bool:
        """Say whether two can be joined, and each has a test that the other has not."""
        key = frozenset({one.id, other.id})
        if key not in self._pairs:
            self._pairs[key] = (
                not one.fail_to_pass <= other.fail_to_pass
                and not other.fail_to_pass <= one.fail_to_pass
                and self.joiner.fits(one.bug, other.bug)
            )
        return self._pairs[key]


Groups = Mapping[str, Sequence[Parent]]


@dataclass(slots=True)
class ParentNeighbours:
    """Which parents are near one another: in their files, their packages, along their calls."""

    paths: Mapping[str, frozenset[str]]
    """The files that each changes."""
    in_file: Groups
    in_package: Groups
    along: Groups
    """From a parent to those in functions that call its functions, or that they call."""
    _found: dict[tuple[Relation, str], list[Parent]] = field(default_factory=dict)

    @classmethod
    def of(cls, parents: Sequence[Parent], joiner: Joiner) -> ParentNeighbours:
        """Group the parents."""
        paths = {p.id: frozenset(part.path for part in joiner.parts(p.bug)) for p in parents}
        in_file: dict[str, list[Parent]] = defaultdict(list)
        in_package: dict[str, list[Parent]] = defaultdict(list)
        for parent in parents:
            for path in paths[parent.id]:
                in_file[path].append(parent)
            for package in {package_of(path) for path in paths[parent.id]}:
                in_package[package].append(parent)
        return cls(paths, in_file, in_package, along_calls(parents, joiner, set(in_file)))

    def to(self, parent: Parent, relation: Relation) -> list[Parent]:
        """The parents that stand in a relation to one, by id, itself left out."""
        key = (relation, parent.id)
        if key not in self._found:
            by_id = {each.id: each for each in self._to(parent, relation) if each.id != parent.id}
            self._found[key] = [by_id[each] for each in sorted(by_id)]
        return self._found[key]

    def _to(self, parent: Parent, relation: Relation) -> Iterator[Parent]:
        paths = self.paths[parent.id]
        if relation == "caller-callee":
            yield from self.along.get(parent.id, ())
        elif relation == "same-file":
            for path in paths:
                yield from self.in_file[path]
        else:
            for package in {package_of(path) for path in paths}:
                found = self.in_package[package]
                yield from (each for each in found if not paths & self.paths[each.id])


def along_calls(parents: Sequence[Parent], joiner: Joiner, paths: set[str]) -> Groups:
    """From each parent to those in functions that call its functions, or that they call."""
    calls = CallGraph.of({path: joiner.files[path] for path in paths if path in joiner.files})
    in_function: dict[Function, list[Parent]] = defaultdict(list)
    for parent in parents:
        for function in functions_of(parent, joiner, calls):
            in_function[function].append(parent)
    found: dict[str, list[Parent]] = defaultdict(list)
    for caller, callers in in_function.items():
        for callee in calls.called_by(caller):
            for one in callers:
                for other in in_function.get(callee, ()):
                    found[one.id].append(other)
                    found[other.id].append(one)
    return found


def functions_of(parent: Parent, joiner: Joiner, calls: CallGraph) -> set[Function]:
    """The functions that a parent changes."""
    found = {
        calls.around(part.path, edit.start)
        for part in joiner.parts(parent.bug)
        for edit in part.edits
    }
    return {each for each in found if each is not None}


def package_of(path: str) -> str:
    """The folder that a file lies in."""
    return str(PurePosixPath(path).parent)


@dataclass(slots=True)
class Chooser:
    """Proposes sets: relations and sizes take turns, parents least used come first."""

    pool: ParentPool
    seed: int
    sizes: Sequence[int] = SIZES
    seen: set[frozenset[str]] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)
    _ranks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = [parent.id for parent in self.pool.parents]
        Random(self.seed).shuffle(order)
        self._ranks = {key: rank for rank, key in enumerate(order)}

    def proposals(self) -> Iterator[Combination]:
        """Yield sets, each once, until there are no more or nothing new is found any more."""
        spent: set[tuple[Relation, int, str]] = set()
        idle, round_of = 0, len(self.sizes) * len(RELATIONS)
        turns = cycle((relation, size) for size in self.sizes for relation in RELATIONS)
        for relation, size in turns:
            found = self._next(relation, size, spent)
            idle = 0 if found is not None else idle + 1
            if idle >= round_of:
                return
            if found is not None:
                self.seen.add(found.ids)
                self.uses.update(found.ids)
                yield found

    def _next(
        self, relation: Relation, size: int, spent: set[tuple[Relation, int, str]]
    ) -> Combination | None:
        left = [p for p in self.pool.parents if (relation, size, p.id) not in spent]
        for first in sorted(left, key=self._order):
            tries = [TRIES if size > 2 else len(self.pool.parents)]
            found = self._grow_set(relation, size, (first,), tries)
            if found is not None:
                return Combination(relation, found)
            spent.add((relation, size, first.id))
        return None

    def _grow_set(
        self, relation: Relation, size: int, parents: tuple[Parent, ...], tries: list[int]
    ) -> tuple[Parent, ...] | None:
        """Add neighbours until a set is as large as wanted, promising and new."""
        ids = frozenset(parent.id for parent in parents)
        if len(parents) == size:
            return None if ids in self.seen else parents
        near_by = {
            other.id: other
            for parent in parents
            for other in self.pool.near.to(parent, relation)
            if other.id not in ids
        }
        for other in sorted(near_by.values(), key=self._order):
            if tries[0] <= 0:
                return None
            tries[0] -= 1
            grown = (*parents, other)
            if size == len(grown) and ids | {other.id} in self.seen:
                continue
            if not self.pool.is_promising(grown):
                continue
            found = self._grow_set(relation, size, grown, tries)
            if found is not None:
                return found
        return None

    def _order(self, parent: Parent) -> tuple[int, int]:
        return self.uses[parent.id], self._ranks[parent.id]

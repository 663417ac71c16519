"""Undo a fix statement by statement: what it changed is put back where today's code has it.

A three-way merge whose base is the fixed version, and whose sides are today's code and the version
before the fix. Statements are compared in a normal form (``syntax/normal.py``), so a reformatting
between then and now does not matter, and written back as splices of today's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mirror.undo.alignment import Bags, Pairs, align, align_clauses, find_increasing_pairs
from mirror.undo.clauses import drop_clause, restore_clause, undo_head
from mirror.undo.placement import Placing, StatementPlace
from mirror.undo.runs import RunNeighbours, undo_run
from mirror.undo.sides import MergeSides
from mirror.undo.statement_splices import code_of, indent_of
from mirror.undo.units import MergeUnit, find_assigned_names, is_aside
from syntax.blocks import Clause, Module, Statement
from syntax.splices import Splice


def merge(before: Module, fixed: Module, placing: Placing) -> list[MergeUnit]:
    """Return what the fix changed, each with its undoing in today's code."""
    walk = Merging(MergeSides(before, fixed, placing))
    return list(walk.compare_bodies(fixed.body, before.body, None))


class Merging:
    """The walk over one file of a fix.

    It compares the version before the fix with the fixed one, never with today's: only so is what
    others changed since then told from what the fix changed.
    """

    def __init__(self, sides: MergeSides) -> None:
        self._sides = sides
        self._placing = sides.placing
        self._bags = Bags()

    def compare_bodies(
        self, ones: Sequence[Statement], others: Sequence[Statement], clause: Clause | None
    ) -> Iterator[MergeUnit]:
        """Compare the statements of a body with those before the fix."""
        pairs = align(self._sides.fixed, ones, self._sides.before, others, self._bags)
        # Definitions are paired by name wherever they stand, so pairs may cross. Gaps can be told
        # only between pairs that do not; a definition that the fix moved is in none of them. Only
        # what it says is compared below: where it stands means nothing.
        steady = find_increasing_pairs(pairs)
        moved = set(pairs) - set(steady)
        left, right = {i for i, _ in moved}, {j for _, j in moved}
        for (i, j), (k, m) in between(steady, len(ones), len(others)):
            run = [ones[n] for n in range(i, k) if n not in left]
            old = [others[n] for n in range(j, m) if n not in right]
            if run or old:
                around = RunNeighbours(
                    prior=ones[i - 1] if i else None,
                    after=ones[k] if k < len(ones) else None,
                    gap=others[j - 1] if j else None,
                    clause=clause,
                )
                yield from undo_run(self._sides, run, old, around)
        for i, j in pairs:
            yield from self._compare_statements(ones[i], others[j])

    def _compare_statements(self, one: Statement, other: Statement) -> Iterator[MergeUnit]:
        """Compare two versions of a statement."""
        if one.key == other.key or is_aside(one):
            return
        if one.clauses and other.clauses:
            yield from self._compare_clauses(one, other)
            return
        place = self._placing.find(one)
        size = 0 if one.docstring else 2
        if place is None:
            yield self._sides.make_lost_unit(one, size)
            return
        yield self._modify(one, other, place, size)

    def _modify(
        self, one: Statement, other: Statement, place: StatementPlace, size: int
    ) -> MergeUnit:
        today = place.statement
        entity = self._sides.entity_of(one)
        # By tokens first: they keep what else has changed in the line since, and its layout.
        splices = self._sides.undo_tokens(
            (one.start, one.end),
            (other.start, other.end),
            place.module,
            (today.start, today.end),
        )
        # One normal form may be of different tokens (``"%s" % name``, ``f"{name}"``): the statement
        # is the one that the fix made, only written otherwise, and is replaced whole.
        if splices is None and today.key == one.key:
            text = code_of(self._sides.before, other, indent_of(place.module, today))
            splices = [Splice(today.start, today.end, text)]
        if splices is None:
            return MergeUnit(entity=entity, size=size, why="conflict")
        return MergeUnit(
            entity=entity,
            size=size,
            path=place.path,
            splices=tuple(splices),
            binds=find_assigned_names([one]) - find_assigned_names([other]),
        )

    def _compare_clauses(self, one: Statement, other: Statement) -> Iterator[MergeUnit]:
        """Compare the clauses of two versions: heads, bodies, and those only one of them has."""
        pairs = align_clauses(one.clauses, other.clauses)
        place = self._placing.find(one)
        entity = self._sides.entity_of(one)
        for i, j in pairs:
            mine, old = one.clauses[i], other.clauses[j]
            if mine.key != old.key:
                yield undo_head(self._sides, mine, old, entity)
            yield from self.compare_bodies(mine.body, old.body, mine)
        added = set(range(len(one.clauses))) - {i for i, _ in pairs}
        gone = set(range(len(other.clauses))) - {j for _, j in pairs}
        for i in sorted(added):
            yield drop_clause(self._sides, one, i, entity)
        for j in sorted(gone):
            yield restore_clause(self._sides, one, other, j, pairs, place, entity)


def between(
    pairs: Pairs, length: int, other: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the gaps around pairs, each by where it starts and ends on both sides."""
    i, j = 0, 0
    # A pair that does not exist, past both ends, closes the last gap.
    for k, m in [*pairs, (length, other)]:
        yield (i, j), (k, m)
        i, j = k + 1, m + 1

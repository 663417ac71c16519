"""Undo what a fix did to the clauses of a statement: their heads, and clauses added or removed."""

from __future__ import annotations

from mirror.undo.alignment import Pairs
from mirror.undo.placement import StatementPlace
from mirror.undo.sides import MergeSides
from mirror.undo.statement_splices import indent_of, reindent_lines
from mirror.undo.units import MergeUnit
from syntax.blocks import Clause, Statement
from syntax.splices import Splice

FIRST_KINDS = ("def", "class", "if", "for", "while", "with", "try")
"""Clauses that a statement begins with, and is not without."""


def undo_head(sides: MergeSides, mine: Clause, old: Clause, entity: str) -> MergeUnit:
    """Put the head of a clause back."""
    found = sides.placing.clause(mine)
    if found is None:
        return MergeUnit(entity=entity, size=2, why="gone")
    path, today = found
    module = sides.placing.module(path)
    splices = sides.undo_tokens(
        (mine.start, mine.end), (old.start, old.end), module, (today.start, today.end)
    )
    if splices is None and today.key == mine.key and today.kind == old.kind:
        text = sides.before.text.data[old.start : old.end]
        # A head of several lines would need them indented as today's is; nothing here says how.
        if b"\n" not in text:
            splices = [Splice(today.start, today.end, text)]
    if splices is None:
        return MergeUnit(entity=entity, size=2, why="conflict")
    return MergeUnit(entity=entity, size=2, path=path, splices=tuple(splices))


def drop_clause(sides: MergeSides, one: Statement, number: int, entity: str) -> MergeUnit:
    """Remove a clause that the fix added."""
    mine = one.clauses[number]
    size = 1 + sum(each.size for each in mine.body)
    found = sides.placing.clause(mine)
    if found is None or found[1].key != mine.key:
        return MergeUnit(entity=entity, size=size, why="gone")
    path, today = found
    # An ``elif`` of then may begin its statement today; what follows it would have no beginning.
    if today.kind in FIRST_KINDS:
        return MergeUnit(entity=entity, size=size, why="conflict")
    splice = Splice(today.first, today.last, b"")
    return MergeUnit(entity=entity, size=size, path=path, splices=(splice,))


def restore_clause(
    sides: MergeSides,
    one: Statement,
    other: Statement,
    number: int,
    pairs: Pairs,
    place: StatementPlace | None,
    entity: str,
) -> MergeUnit:
    """Put a clause back that the fix removed, after the one it followed."""
    old = other.clauses[number]
    size = 1 + sum(each.size for each in old.body)
    prior = next((i for i, j in reversed(pairs) if j < number), None)
    found = None if prior is None else sides.placing.clause(one.clauses[prior])
    if found is None or place is None or old.kind == "if":
        return MergeUnit(entity=entity, size=size, why="gone")
    path, today = found
    indent = indent_of(place.module, place.statement)
    text = reindent_lines(sides.before, old.first, old.last, other.indent, indent)
    splice = Splice(today.last, today.last, text)
    return MergeUnit(entity=entity, size=size, path=path, splices=(splice,))

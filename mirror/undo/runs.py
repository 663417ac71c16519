"""Undo what a fix did to a run of statements: replaced it, removed it, or added it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mirror.undo.placement import StatementPlace
from mirror.undo.sides import MergeSides, find_missing_line_end
from mirror.undo.statement_splices import find_comments_above, indent_of
from mirror.undo.units import MergeUnit, find_assigned_names, is_aside, parts_of
from syntax.blocks import DEFINITIONS, Clause, Statement
from syntax.cuts import without_blank
from syntax.splices import Splice

ALIKE = 0.8
"""Share of common tokens from which a statement is still the one that the fix added: less than
that, it was edited since, and to take it out would take out somebody else's work too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNeighbours:
    """What a run of statements stands between."""

    prior: Statement | None
    """Before it, in the fixed version."""
    after: Statement | None
    """After it, in the fixed version."""
    gap: Statement | None
    """Before what stood in its place, in the version before the fix."""
    clause: Clause | None
    """In whose body it is; None at module level."""


def undo_run(
    sides: MergeSides,
    run: Sequence[Statement],
    old: Sequence[Statement],
    around: RunNeighbours,
) -> Iterator[MergeUnit]:
    """Put back the statements that the fix replaced, removed or, where it had none, added."""
    run = [each for each in run if not is_aside(each) and not each.docstring]
    old = [each for each in old if not is_aside(each) and not each.docstring]
    if not run and not old:
        return
    if not old and all(each.kind in DEFINITIONS for each in run):
        # Each by itself: one that is in use by now stays, and the others go nevertheless.
        for each in run:
            yield _replace_run(sides, [each], [])
    elif not run:
        for part in parts_of(old):
            yield _insert_part(sides, part, around)
    else:
        yield _replace_run(sides, run, old)


def _replace_run(
    sides: MergeSides, run: Sequence[Statement], old: Sequence[Statement]
) -> MergeUnit:
    """Remove what the fix added, and put in its place what stood there before."""
    size = sum(each.size for each in (*run, *old))
    entity = sides.entity_of(run[0])
    found = [sides.placing.find(each) for each in run]
    known = [place for place in found if place is not None]
    # All or nothing: half of a run taken out is code that neither version ever was.
    if len(known) < len(run):
        return MergeUnit(entity=entity, size=size, why="gone")
    if not _is_still_there(sides, run, known):
        return MergeUnit(entity=entity, size=size, why="conflict")
    names = [_name_of(sides, one) for one in run if one.kind in DEFINITIONS]
    kept = {f".{one.name}" for one in old if one.kind in DEFINITIONS}
    return MergeUnit(
        entity=entity,
        size=size,
        path=known[0].path,
        splices=tuple(_replacements(sides, known, old)),
        removes=tuple(name for name in names if f".{name.rpartition('.')[2]}" not in kept),
        binds=find_assigned_names(run) - find_assigned_names(old),
    )


def _is_still_there(
    sides: MergeSides, run: Sequence[Statement], known: Sequence[StatementPlace]
) -> bool:
    """Say whether a run is together in one body today, and still as the fix made it."""
    if len({(place.path, id(place.body)) for place in known}) > 1:
        return False
    return all(
        one.key == place.statement.key
        # A definition is found by its name, and goes whatever was made of it since.
        or one.kind in DEFINITIONS
        or sides.placing.likeness(one, place) >= ALIKE
        for one, place in zip(run, known, strict=True)
    )


def _replacements(
    sides: MergeSides, known: Sequence[StatementPlace], old: Sequence[Statement]
) -> list[Splice]:
    """Return the splices that take out statements of today; the first puts in the old ones."""
    top, module = known[0], known[0].module
    indent = indent_of(module, top.statement)
    splices = []
    for place in known:
        start, end = _without_comments(sides, place), place.statement.last
        if not old or place is not top:
            start, end = without_blank(module, start, end, first=not place.index)
        splices.append(Splice(start, end, b""))
    if old:
        text = sides.old_text(old, indent)
        splices[0] = Splice(splices[0].start, splices[0].end, text)
    elif len(known) == len([s for s in top.body if not s.docstring]) and top.clause:
        # All that the body does goes, and a body must hold a statement.
        splices[0] = Splice(splices[0].start, splices[0].end, indent + b"pass\n")
    return splices


def _name_of(sides: MergeSides, one: Statement) -> str:
    """Name a definition by the class it is in and its own name."""
    return ".".join(sides.entity_of(one).split(".")[-2:])


def _without_comments(sides: MergeSides, place: StatementPlace) -> int:
    """Return where a statement begins, with the comments above it that the fix added."""
    module, known = place.module, sides.before.remarks
    line = module.text.line_at(place.statement.first)
    while line > 0 and line - 1 in module.comments:
        # A comment that was there before the fix speaks of something else: it stays.
        if module.line(line - 1).strip() in known:
            break
        line -= 1
    return module.text.starts[line]


def _insert_part(sides: MergeSides, old: Sequence[Statement], around: RunNeighbours) -> MergeUnit:
    """Put back what the fix removed, beside what it stood beside."""
    size = sum(each.size for each in old)
    near = around.prior or around.after
    entity = sides.entity_of(near) if near is not None else ""
    found = _insertion(sides, old, around)
    if found is None:
        return MergeUnit(entity=entity, size=size, why="gone")
    path, splice = found
    return MergeUnit(entity=entity, size=size, path=path, splices=(splice,))


def _insertion(
    sides: MergeSides, old: Sequence[Statement], around: RunNeighbours
) -> tuple[str, Splice] | None:
    """Return where removed statements come back, and as what; None where neither neighbour is."""
    place = sides.placing.find(around.prior) if around.prior is not None else None
    # Every body's docstring is paired with today's, whatever it says: it is the weakest of
    # neighbours, and serves only where nothing else is left.
    if place is not None and not place.statement.docstring:
        return place.path, _insert_below(sides, old, around, place)
    following = sides.placing.find(around.after) if around.after is not None else None
    if following is not None:
        at = find_comments_above(following.module, following.statement.first)
        indent = indent_of(following.module, following.statement)
        text = sides.old_text(old, indent) + _blank_lines(sides, old, around)
        return following.path, Splice(at, at, text)
    if place is not None:
        return place.path, _insert_below(sides, old, around, place)
    found = None if around.clause is None else sides.placing.clause(around.clause)
    # With a neighbour before it that is gone, the top of the body would be a guess.
    if found is None or around.prior is not None:
        return None
    path, today = found
    top = today.body[0]
    text = sides.old_text(old, indent_of(sides.placing.module(path), top))
    return path, Splice(top.first, top.first, text)


def _insert_below(
    sides: MergeSides, old: Sequence[Statement], around: RunNeighbours, place: StatementPlace
) -> Splice:
    at = place.statement.last
    indent = indent_of(place.module, place.statement)
    blank = _blank_lines(sides, old, around)
    lead = find_missing_line_end(place.module, at)
    return Splice(at, at, lead + blank + sides.old_text(old, indent))


def _blank_lines(sides: MergeSides, old: Sequence[Statement], around: RunNeighbours) -> bytes:
    """Return the blank lines that set off a run before the fix."""
    if around.gap is None:
        return b""
    before = sides.before
    between = before.text.data[around.gap.last : find_comments_above(before, old[0].first)]
    return b"\n" * between.count(b"\n")

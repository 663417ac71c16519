"""Where the statements of a fix are in today's code: through edits, renames, moves and splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mirror.undo.alignment import Bags, align, align_clauses
from syntax.blocks import DEFINITIONS, Clause, Module, Statement

TELLING = 4
"""Tokens that a statement must have to be found by its normal form alone: a shorter one, as
``return x``, stands in many places."""
RENAMED = 0.6
"""Share of common tokens above which a definition of another name is the same one. More than makes
two statements of one place versions of each other: here nothing but the text speaks for it."""
SMALLEST_RENAMED = 3
"""Statements that a definition must have for that: getters are all alike."""


@dataclass(frozen=True, slots=True)
class StatementPlace:
    """Where a statement stands."""

    path: str
    module: Module
    statement: Statement
    body: tuple[Statement, ...]
    index: int
    clause: Clause | None
    """The clause whose body it is in; None at module level."""
    entity: str
    """Qualified name of the definition it is, or is in."""


def places(path: str, module: Module) -> Iterator[StatementPlace]:
    """Yield the place of every statement of a file."""
    yield from _places(path, module, module.body, None, "")


def _places(
    path: str, module: Module, body: tuple[Statement, ...], clause: Clause | None, entity: str
) -> Iterator[StatementPlace]:
    for index, statement in enumerate(body):
        name = entity
        if statement.kind in DEFINITIONS:
            name = f"{entity}.{statement.name}" if entity else statement.name
        yield StatementPlace(path, module, statement, body, index, clause, name)
        for inner in statement.clauses:
            yield from _places(path, module, inner.body, inner, name)


class Today:
    """Today's files, with the places of their definitions and statements."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self.modules = modules
        # By the ``id`` of statements, which is of no other one: the modules keep them all.
        self._places: dict[str, dict[int, StatementPlace]] = {}
        self._definitions: dict[str, list[StatementPlace]] | None = None

    def place(self, path: str, statement: Statement) -> StatementPlace:
        """Return where a statement of a file stands."""
        return self._of(path)[id(statement)]

    def all(self, path: str) -> Iterator[StatementPlace]:
        """Yield the places of a file."""
        yield from self._of(path).values()

    def definitions(self, entity: str) -> list[StatementPlace]:
        """Return the definitions of this qualified name in any file."""
        if self._definitions is None:
            self._definitions = {}
            for path in self.modules:
                for place in self.all(path):
                    if place.statement.kind in DEFINITIONS:
                        self._definitions.setdefault(place.entity, []).append(place)
        return self._definitions.get(entity, [])

    def _of(self, path: str) -> dict[int, StatementPlace]:
        if path not in self._places:
            found = places(path, self.modules[path])
            self._places[path] = {id(place.statement): place for place in found}
        return self._places[path]


class Placing:
    """Finds the statements of the fixed version in today's code."""

    def __init__(self, fixed: Module, path: str, today: Today, homes: Sequence[str]) -> None:
        self._fixed = fixed
        self._today = today
        self._bags = Bags()
        self._found: dict[int, tuple[str, Statement]] = {}
        self._clauses: dict[int, tuple[str, Clause]] = {}
        self.here = {id(place.statement): place for place in places(path, fixed)}
        """Places in the fixed version itself."""
        self.homes = tuple(home for home in homes if home in today.modules)
        """Today's files that the file has become, likeliest first."""
        # The likeliest home first: what is paired stays so, and only the rest is looked for in the
        # next one, as where a module was split.
        for home in self.homes:
            self._pair(home, fixed.body, today.modules[home].body)
        self._find_elsewhere()

    def find(self, statement: Statement) -> StatementPlace | None:
        """Return where a statement is today; None when it is not there, or not surely."""
        found = self._found.get(id(statement))
        if found is not None:
            return self._today.place(*found)
        return self._by_form(statement)

    def clause(self, clause: Clause) -> tuple[str, Clause] | None:
        """Return a clause of today, with its file."""
        return self._clauses.get(id(clause))

    def module(self, path: str) -> Module:
        """Return one of today's files."""
        return self._today.modules[path]

    def likeness(self, one: Statement, place: StatementPlace) -> float:
        """Say how much of a statement is as it was."""
        return self._bags.likeness(self._fixed, one, place.module, place.statement)

    def _pair(self, path: str, ones: Sequence[Statement], others: Sequence[Statement]) -> None:
        module = self._today.modules[path]
        for i, j in align(self._fixed, ones, module, others, self._bags):
            self._pair_two(path, ones[i], others[j])

    def _pair_two(self, path: str, one: Statement, other: Statement) -> None:
        if id(one) in self._found:  # In a likelier home, with all that is in it.
            return
        self._found[id(one)] = (path, other)
        for i, j in align_clauses(one.clauses, other.clauses):
            inner = other.clauses[j]
            self._clauses[id(one.clauses[i])] = (path, inner)
            self._pair(path, one.clauses[i].body, inner.body)

    def _find_elsewhere(self) -> None:
        """Look for definitions that are in none of the files this one has become."""
        for place in list(self.here.values()):
            one = place.statement
            if one.kind not in DEFINITIONS or id(one) in self._found:
                continue
            known = [
                other
                for other in self._today.definitions(place.entity)
                if (other.statement.kind == "ClassDef") == (one.kind == "ClassDef")
            ]
            if not known:
                known = self._find_renamed_place(place)
            # One of several (two files with a ``Cart.total``) would be a guess, and a wrong one is
            # worse than none: it would undo a fix in code that never had it.
            if len(known) == 1:
                self._pair_two(known[0].path, one, known[0].statement)

    def _find_renamed_place(self, place: StatementPlace) -> list[StatementPlace]:
        """Return the definition in the same surroundings that is most like one, if it is."""
        one = place.statement
        best: tuple[float, StatementPlace | None] = (RENAMED, None)
        taken = {id(other) for _, other in self._found.values()}
        for home in self.homes:
            for other in self._today.all(home):
                at = other.statement
                if at.kind != one.kind or id(at) in taken or one.size < SMALLEST_RENAMED:
                    continue
                like = self._bags.likeness(self._fixed, one, other.module, at)
                if like > best[0]:
                    best = (like, other)
        return [] if best[1] is None else [best[1]]

    def _by_form(self, statement: Statement) -> StatementPlace | None:
        """Find a statement by its normal form, within the definition it is in, if only one fits."""
        tokens = len(self._fixed.tokens_of(statement.start, statement.end))
        if tokens < TELLING or statement.kind in DEFINITIONS:
            return None
        # Not in the whole file: an equal statement in another function is another statement.
        within = self._within(statement)
        if within is None:
            return None
        path, around = within
        fits = [each for each in around.walk() if each.key == statement.key]
        return self._today.place(path, fits[0]) if len(fits) == 1 else None

    def _within(self, statement: Statement) -> tuple[str, Statement] | None:
        """Return what the innermost definition around a statement is today."""
        best: tuple[int, Statement] | None = None
        for place in self.here.values():
            one = place.statement
            around = one.start < statement.start and statement.end <= one.end
            if one.kind in DEFINITIONS and around and (best is None or one.start > best[0]):
                best = (one.start, one)
        return None if best is None else self._found.get(id(best[1]))

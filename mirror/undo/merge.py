"""Undo a fix statement by statement: what it changed is put back where today's code has it.

A three-way merge whose base is the fixed version, and whose sides are today's code and the version
before the fix. Statements are compared in a normal form (``syntax/normal.py``), so a reformatting
between then and now does not matter, and written back as splices of today's text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from mirror.undo.alignment import Bags, Pairs, align, align_clauses, increasing
from mirror.undo.placement import Place, Placing
from mirror.undo.statement_splices import above, code_of, indent_of, indented, merge_tokens, text_of
from syntax.blocks import DEFINITIONS, IMPORTS, Clause, Module, Statement
from syntax.cuts import without_blank
from syntax.splices import Splice

VERSIONS = frozenset({"__version__", "__version_info__", "version", "version_info", "VERSION"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing the fix changed, and how it is undone in today's code."""

    entity: str
    """Qualified name of the definition that holds it, in the fixed version."""
    size: int
    """How many statements it changes; imports and docstrings count nothing."""
    path: str = ""
    splices: tuple[Splice, ...] = ()
    why: str = ""
    """Why it cannot be undone: ``gone`` or ``conflict``; empty when it can."""
    removes: tuple[str, ...] = ()
    """Definitions that would be no more; methods with their class."""
    binds: frozenset[str] = frozenset()
    """Names that the statements bind which it takes out."""


def merge(before: Module, fixed: Module, placing: Placing) -> list[Unit]:
    """Return what the fix changed, each with its undoing in today's code."""
    return list(Merging(before, fixed, placing).bodies(fixed.body, before.body, None))


class Merging:
    """The walk over one file of a fix."""

    def __init__(self, before: Module, fixed: Module, placing: Placing) -> None:
        self._before = before
        self._fixed = fixed
        self._placing = placing
        self._bags = Bags()

    def bodies(
        self, ones: Sequence[Statement], others: Sequence[Statement], clause: Clause | None
    ) -> Iterator[Unit]:
        """Compare the statements of a body with those before the fix."""
        pairs = align(self._fixed, ones, self._before, others, self._bags)
        steady = increasing(pairs)
        moved = set(pairs) - set(steady)
        left, right = {i for i, _ in moved}, {j for _, j in moved}
        for (i, j), (k, m) in between(steady, len(ones), len(others)):
            run = [ones[n] for n in range(i, k) if n not in left]
            old = [others[n] for n in range(j, m) if n not in right]
            if run or old:
                prior = ones[i - 1] if i else None
                after = ones[k] if k < len(ones) else None
                gap = others[j - 1] if j else None
                yield from self._replace(run, old, prior, after, clause, gap)
        for i, j in pairs:
            yield from self._two(ones[i], others[j])

    def _two(self, one: Statement, other: Statement) -> Iterator[Unit]:
        """Compare two versions of a statement."""
        if one.key == other.key and not one.docstring:
            return
        if is_aside(one) or (one.docstring and one.key == other.key):
            return
        if one.clauses and other.clauses:
            yield from self._clauses(one, other)
            return
        place = self._placing.find(one)
        size = 0 if one.docstring else 2
        if place is None:
            yield self._lost(one, size)
            return
        yield self._modify(one, other, place, size)

    def _modify(self, one: Statement, other: Statement, place: Place, size: int) -> Unit:
        today = place.statement
        entity = self._placing.here[id(one)].entity
        splices = self._tokens(
            (one.start, one.end),
            (other.start, other.end),
            place.module,
            (today.start, today.end),
        )
        if splices is None and today.key == one.key:
            text = code_of(self._before, other, indent_of(place.module, today))
            splices = [Splice(today.start, today.end, text)]
        if splices is None:
            return Unit(entity=entity, size=size, why="conflict")
        return Unit(
            entity=entity,
            size=size,
            path=place.path,
            splices=tuple(splices),
            binds=bound([one]) - bound([other]),
        )

    def _tokens(
        self, span: tuple[int, int], old: tuple[int, int], module: Module, now: tuple[int, int]
    ) -> list[Splice] | None:
        fixed = self._fixed.tokens_of(*span)
        before = self._before.tokens_of(*old)
        today = module.tokens_of(*now)
        keys = [token.key for token in fixed]
        return merge_tokens(
            (self._before, before),
            fixed,
            (module, today),
            matching(keys, [token.key for token in before]),
            matching(keys, [token.key for token in today]),
        )

    def _clauses(self, one: Statement, other: Statement) -> Iterator[Unit]:
        """Compare the clauses of two versions: heads, bodies, and those only one of them has."""
        pairs = align_clauses(one.clauses, other.clauses)
        place = self._placing.find(one)
        entity = self._placing.here[id(one)].entity
        for i, j in pairs:
            mine, old = one.clauses[i], other.clauses[j]
            if mine.key != old.key:
                yield self._head(mine, old, entity)
            yield from self.bodies(mine.body, old.body, mine)
        added = set(range(len(one.clauses))) - {i for i, _ in pairs}
        gone = set(range(len(other.clauses))) - {j for _, j in pairs}
        for i in sorted(added):
            yield self._drop_clause(one, i, entity)
        for j in sorted(gone):
            yield self._restore_clause(one, other, j, pairs, place, entity)

    def _head(self, mine: Clause, old: Clause, entity: str) -> Unit:
        found = self._placing.clause(mine)
        if found is None:
            return Unit(entity=entity, size=2, why="gone")
        path, today = found
        module = self._placing.module(path)
        splices = self._tokens(
            (mine.start, mine.end), (old.start, old.end), module, (today.start, today.end)
        )
        if splices is None and today.key == mine.key and today.kind == old.kind:
            text = self._before.text.data[old.start : old.end]
            if b"\n" not in text:
                splices = [Splice(today.start, today.end, text)]
        if splices is None:
            return Unit(entity=entity, size=2, why="conflict")
        return Unit(entity=entity, size=2, path=path, splices=tuple(splices))

    def _drop_clause(self, one: Statement, number: int, entity: str) -> Unit:
        """Remove a clause that the fix added."""
        mine = one.clauses[number]
        size = 1 + sum(each.size for each in mine.body)
        found = self._placing.clause(mine)
        if found is None or found[1].key != mine.key:
            return Unit(entity=entity, size=size, why="gone")
        path, today = found
        if today.kind in ("def", "class", "if", "for", "while", "with", "try"):
            return Unit(entity=entity, size=size, why="conflict")
        splice = Splice(today.first, today.last, b"")
        return Unit(entity=entity, size=size, path=path, splices=(splice,))

    def _restore_clause(
        self,
        one: Statement,
        other: Statement,
        number: int,
        pairs: Pairs,
        place: Place | None,
        entity: str,
    ) -> Unit:
        """Put a clause back that the fix removed, after the one it followed."""
        old = other.clauses[number]
        size = 1 + sum(each.size for each in old.body)
        prior = next((i for i, j in reversed(pairs) if j < number), None)
        found = None if prior is None else self._placing.clause(one.clauses[prior])
        if found is None or place is None or old.kind == "if":
            return Unit(entity=entity, size=size, why="gone")
        path, today = found
        indent = indent_of(place.module, place.statement)
        text = indented_clause(self._before, old, other, indent)
        return Unit(
            entity=entity, size=size, path=path, splices=(Splice(today.last, today.last, text),)
        )

    def _replace(
        self,
        run: Sequence[Statement],
        old: Sequence[Statement],
        prior: Statement | None,
        after: Statement | None,
        clause: Clause | None,
        gap: Statement | None,
    ) -> Iterator[Unit]:
        """Put back the statements that the fix replaced, removed or, where it had none, added."""
        run = [each for each in run if not is_aside(each) and not each.docstring]
        old = [each for each in old if not is_aside(each) and not each.docstring]
        if not run and not old:
            return
        if not old and all(each.kind in DEFINITIONS for each in run):
            for each in run:
                yield self._remove([each], [])
        elif not run:
            for part in parts_of(old):
                yield self._insert(part, prior, after, clause, gap)
        else:
            yield self._remove(run, old)

    def _remove(self, run: Sequence[Statement], old: Sequence[Statement]) -> Unit:
        """Remove what the fix added, and put in its place what stood there before."""
        size = sum(each.size for each in (*run, *old))
        entity = self._placing.here[id(run[0])].entity
        found = [self._placing.find(each) for each in run]
        known = [place for place in found if place is not None]
        if len(known) < len(run):
            return Unit(entity=entity, size=size, why="gone")
        if len({(place.path, id(place.body)) for place in known}) > 1:
            return Unit(entity=entity, size=size, why="conflict")
        for one, place in zip(run, known, strict=True):
            same = one.key == place.statement.key or one.kind in DEFINITIONS
            if not same and self._placing.likeness(one, place) < 0.8:
                return Unit(entity=entity, size=size, why="conflict")
        top = known[0]
        module = top.module
        splices = []
        for place in known:
            start, end = self._without_comments(place), place.statement.last
            if not old or place is not known[0]:
                start, end = without_blank(module, start, end, first=not place.index)
            splices.append(Splice(start, end, b""))
        if old:
            text = self._texts(old, indent_of(module, top.statement))
            splices[0] = Splice(splices[0].start, splices[0].end, text)
        elif len(known) == len([s for s in top.body if not s.docstring]) and top.clause:
            indent = indent_of(module, top.statement)
            splices[0] = Splice(splices[0].start, splices[0].end, indent + b"pass\n")
        names = [self._name_of(one) for one in run if one.kind in DEFINITIONS]
        kept = {f".{one.name}" for one in old if one.kind in DEFINITIONS}
        return Unit(
            entity=entity,
            size=size,
            path=top.path,
            splices=tuple(splices),
            removes=tuple(name for name in names if f".{name.rpartition('.')[2]}" not in kept),
            binds=bound(run) - bound(old),
        )

    def _name_of(self, one: Statement) -> str:
        """Name a definition by the class it is in and its own name."""
        entity = self._placing.here[id(one)].entity
        return ".".join(entity.split(".")[-2:])

    def _insert(
        self,
        old: Sequence[Statement],
        prior: Statement | None,
        after: Statement | None,
        clause: Clause | None,
        gap: Statement | None,
    ) -> Unit:
        """Put back what the fix removed, beside what it stood beside."""
        size = sum(each.size for each in old)
        near = prior or after
        entity = self._placing.here[id(near)].entity if near is not None else ""
        blank = b""
        if gap is not None:
            between_them = self._before.text.data[gap.last : above(self._before, old[0].first)]
            blank = b"\n" * between_them.count(b"\n")
        place = self._placing.find(prior) if prior is not None else None
        if place is not None and not place.statement.docstring:
            at = place.statement.last
            indent = indent_of(place.module, place.statement)
            text = lead(place.module, at) + blank + self._texts(old, indent)
            return Unit(entity=entity, size=size, path=place.path, splices=(Splice(at, at, text),))
        following = self._placing.find(after) if after is not None else None
        if following is not None:
            at = above(following.module, following.statement.first)
            text = self._texts(old, indent_of(following.module, following.statement)) + blank
            return Unit(
                entity=entity, size=size, path=following.path, splices=(Splice(at, at, text),)
            )
        if place is not None:
            at = place.statement.last
            text = (
                lead(place.module, at)
                + blank
                + self._texts(old, indent_of(place.module, place.statement))
            )
            return Unit(entity=entity, size=size, path=place.path, splices=(Splice(at, at, text),))
        found = None if clause is None else self._placing.clause(clause)
        if found is None or prior is not None:
            return Unit(entity=entity, size=size, why="gone")
        path, today = found
        module = self._placing.module(path)
        top = today.body[0]
        text = self._texts(old, indent_of(module, top))
        return Unit(
            entity=entity, size=size, path=path, splices=(Splice(top.first, top.first, text),)
        )

    def _without_comments(self, place: Place) -> int:
        """Return where a statement begins, with the comments above it that the fix added."""
        module, known = place.module, self._before.remarks
        line = module.text.line_at(place.statement.first)
        while line > 0 and line - 1 in module.comments:
            if module.line(line - 1).strip() in known:
                break
            line -= 1
        return module.text.starts[line]

    def _texts(self, old: Sequence[Statement], indent: bytes) -> bytes:
        """Return statements as lines, with the blank lines between them."""
        found = [text_of(self._before, [old[0]], indent)]
        for one, other in pairwise(old):
            gap = self._before.text.data[one.last : above(self._before, other.first)]
            found.append(b"\n" * gap.count(b"\n") if not gap.strip() else b"")
            found.append(text_of(self._before, [other], indent))
        return b"".join(found)

    def _lost(self, one: Statement, size: int) -> Unit:
        return Unit(entity=self._placing.here[id(one)].entity, size=size, why="gone")


def matching(ones: Sequence[object], others: Sequence[object]) -> Pairs:
    """Pair equal items, in order."""
    blocks = SequenceMatcher(None, ones, others, autojunk=False).get_matching_blocks()
    return [(i + n, j + n) for i, j, size in blocks for n in range(size)]


def between(
    pairs: Pairs, length: int, other: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the gaps around pairs, each by where it starts and ends on both sides."""
    i, j = 0, 0
    for k, m in [*pairs, (length, other)]:
        yield (i, j), (k, m)
        i, j = k + 1, m + 1


def parts_of(run: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Yield definitions one by one, and what is between them together."""
    part: list[Statement] = []
    for each in run:
        if each.kind in DEFINITIONS:
            if part:
                yield part
            yield [each]
            part = []
        else:
            part.append(each)
    if part:
        yield part


def is_aside(statement: Statement) -> bool:
    """Say whether a statement is no part of a fix: an import, or the version of a release."""
    if statement.kind in IMPORTS:
        return True
    node = statement.node
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in VERSIONS for target in node.targets
    )


def bound(run: Sequence[Statement]) -> frozenset[str]:
    """Return the names that statements assign, those of definitions left out."""
    return frozenset(
        node.id
        for one in run
        if one.kind not in DEFINITIONS
        for node in ast.walk(one.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def lead(module: Module, at: int) -> bytes:
    """Return the line end that is missing before a place."""
    data = module.text.data
    return b"" if at == 0 or data[at - 1 : at] == b"\n" else b"\n"


def indented_clause(module: Module, clause: Clause, owner: Statement, indent: bytes) -> bytes:
    """Return the lines of a clause, indented as its statement is today."""
    return indented(module, clause.first, clause.last, owner.indent, indent)

"""Find, in one walk over a file, every place where an operator could make a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource
from syntax.languages import Word
from syntax.splices import Splice, Splices


@dataclass(frozen=True, slots=True)
class CompilableUnit:
    """Whole lines of a file that compile by themselves: a function, or a statement outside one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Site:
    """A node that an operator looks for, with the entity and the units it lies in."""

    operator: Operator
    node: Node
    entity: str
    units: tuple[CompilableUnit, ...]
    """Innermost first."""


@dataclass(frozen=True, slots=True)
class WalkPosition:
    """Where a walk stands: entity, units around it, and whether a function is among them."""

    entity: str
    units: tuple[CompilableUnit, ...]
    in_function: bool


def sites(source: ParsedSource, operators: Collection[Operator]) -> Iterator[Site]:
    """Yield the sites of a file in the order of its text."""
    wanted: dict[Word, list[Operator]] = {}
    for operator in operators:
        for name in operator.words:
            wanted.setdefault(name, []).append(operator)
    whole = CompilableUnit(0, len(source.text.data))
    stack = [(source.root, WalkPosition("", (whole,), in_function=False))]
    while stack:
        node, place = stack.pop()
        word = source.word(node)
        place = enter(node, word, place, source)
        for operator in wanted.get(word, []) if word else []:
            yield Site(operator, node, place.entity, place.units)
        if node.type != "type":
            stack += [(child, place) for child in reversed(node.named_children)]


def enter(node: Node, word: Word | None, place: WalkPosition, source: ParsedSource) -> WalkPosition:
    """Where a walk stands inside a node: names extend the entity, statements the units."""
    entity = place.entity
    if word in ("function", "class"):
        name = node.child_by_field_name("name")
        own = source.code(name).decode("utf-8", "replace") if name is not None else "?"
        entity = f"{entity}.{own}" if entity else own
    units = place.units
    if not place.in_function and is_statement(node):
        units = (unit_of(node, source), *units)
    return WalkPosition(entity, units, place.in_function or word == "function")


def is_statement(node: Node) -> bool:
    """Say whether a node is a statement of a module or a block."""
    return node.parent is not None and node.parent.type in ("module", "block")


def unit_of(node: Node, source: ParsedSource) -> CompilableUnit:
    """The whole lines of a statement."""
    first = source.text.line_at(node.start_byte)
    last = source.text.line_at(max(node.end_byte - 1, node.start_byte))
    return CompilableUnit(source.text.starts[first], source.text.line_end(last))


def unit_around(units: tuple[CompilableUnit, ...], splice: Splice) -> CompilableUnit:
    """The smallest of some units, innermost first, that a change stays inside of."""
    for unit in units:
        if unit.start <= splice.start and splice.end <= unit.end:
            return unit
    return units[-1]


def units_at(splice: Splice, source: ParsedSource) -> tuple[CompilableUnit, ...]:
    """The units around a change, innermost first."""
    data = source.text.data
    code = data[splice.start : splice.end]
    start = splice.start + len(code) - len(code.lstrip())
    end = max(splice.start + len(code.rstrip()), start)
    node = source.root.descendant_for_byte_range(start, max(end - 1, start))
    units: list[CompilableUnit] = []
    while node is not None:
        if source.word(node) == "function":
            units.clear()
        if is_statement(node):
            units.append(unit_of(node, source))
        node = node.parent
    return (*units, CompilableUnit(0, len(data)))


def units_of(splices: Splices, source: ParsedSource) -> dict[CompilableUnit, list[Splice]]:
    """Share splices out among the units they change; no unit is inside another."""
    found = {splice: unit_around(units_at(splice, source), splice) for splice in splices}
    shared: dict[CompilableUnit, list[Splice]] = {}
    for splice, unit in found.items():
        around = [u for u in found.values() if u.start <= unit.start and unit.end <= u.end]
        shared.setdefault(max(around, key=lambda u: u.end - u.start), []).append(splice)
    return shared

"""Take statements out of a file, as a person would: with the blank lines that set them off."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from syntax.blocks import DEFINITIONS, Module, Statement, parse
from syntax.splices import Splice, merge


def without_blank(module: Module, start: int, end: int, *, first: bool) -> tuple[int, int]:
    """Widen lines that go by the blank ones on one side, where there are some on both."""
    data = module.text.data
    low, high = start, end
    while low > 0 and not data[data.rfind(b"\n", 0, low - 1) + 1 : low].strip():
        low = data.rfind(b"\n", 0, low - 1) + 1
    while (
        high < len(data)
        and not data[high : module.text.line_end(module.text.line_at(high))].strip()
    ):
        high = module.text.line_end(module.text.line_at(high))
    if first:
        return start, high
    return (low, end) if high > end or high == len(data) else (start, end)


@dataclass(frozen=True, slots=True)
class Cut:
    """A definition to take out, with its lines."""

    name: str
    start: int
    end: int
    first: bool
    """Whether it is the first statement of its body."""


def without_definitions(data: bytes, names: Collection[str]) -> bytes | None:
    """Return a Python file without the functions named, as ``Class.method`` or ``function``.

    The comments right above go with them, and a class that is left empty. What the rest still asks
    for by name stays. None when nothing goes, or the file does not parse.
    """
    module = parse(data)
    if module is None:
        return None
    kept: set[str] = set()
    while cuts := list(_cuts(module, module.body, "", frozenset(names) - kept, kept)):
        result = merge(data, _splices(module, cuts)).apply(data)
        asked = _asked_for(result)
        needed = {cut.name for cut in cuts if cut.name.rpartition(".")[2] in asked}
        if not needed:
            return result
        kept |= needed
    return None


def _cuts(
    module: Module,
    body: tuple[Statement, ...],
    around: str,
    names: Collection[str],
    kept: Collection[str],
) -> Iterator[Cut]:
    """Yield what goes, in the order of the text."""
    for number, statement in enumerate(body):
        if statement.kind not in DEFINITIONS:
            continue
        name = f"{around}{statement.name}"
        inner = statement.clauses[0].body if statement.clauses else ()
        emptied = statement.kind == "ClassDef" and _is_emptied(inner, name, names)
        if name in names or (emptied and name not in kept):
            start = _with_comments(module, statement.first)
            yield Cut(name, start, statement.last, first=not number)
        elif statement.kind == "ClassDef" and not emptied:
            yield from _cuts(module, inner, f"{name}.", names, kept)


def _splices(module: Module, cuts: Iterable[Cut]) -> Iterator[Splice]:
    """Yield a splice for each run of cuts that stand side by side."""
    runs: list[Cut] = []
    for cut in cuts:
        if runs and not module.text.data[runs[-1].end : cut.start].strip():
            cut = replace(runs.pop(), end=cut.end)
        runs.append(cut)
    for run in runs:
        yield Splice(*without_blank(module, run.start, run.end, first=run.first), b"")


def _is_emptied(body: tuple[Statement, ...], name: str, names: Collection[str]) -> bool:
    """Say whether nothing but a docstring is left of a class."""
    own = [each for each in body if not each.docstring]
    return bool(own) and all(
        each.kind in DEFINITIONS and f"{name}.{each.name}" in names for each in own
    )


def _with_comments(module: Module, first: int) -> int:
    """Return where the comments begin right above a line; those at the top are the file's own."""
    top = module.text.line_at(first)
    line = top
    while line > 0 and line - 1 in module.comments:
        line -= 1
    return module.text.starts[line if line else top]


def _asked_for(data: bytes) -> set[str]:
    """Return the names and attributes that a file asks for."""
    module = parse(data)
    nodes = ast.walk(module.tree) if module is not None else ()
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in nodes
        if isinstance(node, ast.Name | ast.Attribute)
    }

"""Take statements out of a file, as a person would: with the blank lines that set them off."""

from __future__ import annotations

from collections.abc import Collection, Iterator

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


def without_definitions(data: bytes, names: Collection[str]) -> bytes | None:
    """Return a Python file without the functions named, as ``Class.method`` or ``function``.

    None when it holds none of them, or does not parse. A class that is left empty goes too.
    """
    module = parse(data)
    if module is None:
        return None
    found = list(_cuts(module, module.body, "", frozenset(names)))
    if not found:
        return None
    splices, end = [], -1
    for splice in sorted(found, key=lambda each: each.start):
        if splice.start >= end:
            splices.append(splice)
            end = splice.end
    return merge(data, splices).apply(data)


def _cuts(
    module: Module, body: tuple[Statement, ...], around: str, names: frozenset[str]
) -> Iterator[Splice]:
    for number, statement in enumerate(body):
        if statement.kind not in DEFINITIONS:
            continue
        name = f"{around}{statement.name}"
        inner = statement.clauses[0].body if statement.clauses else ()
        if name in names or (
            statement.kind == "ClassDef"
            and any(each.kind in DEFINITIONS for each in inner)
            and all(each.docstring or f"{name}.{each.name}" in names for each in inner)
        ):
            start, end = without_blank(module, statement.first, statement.last, first=not number)
            yield Splice(start, end, b"")
        elif statement.kind == "ClassDef":
            yield from _cuts(module, inner, f"{name}.", names)

"""Put back tests that share a file with the code they test, and leave the rest as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from syntax.intake.sources import (
    DEFINITIONS,
    PythonText,
    TextEdit,
    UnreadableFile,
    blocks_of,
    statements,
)
from syntax.intake.test_support import support_names

SUPPORT = re.compile(
    r"pytest_\w+|pytestmark|__test__|collect_ignore(_glob)?|load_tests"
    r"|(setup|teardown)_(module|function)|(setUp|tearDown)Module|setup|teardown"
)
"""Names that pytest looks for in a module of tests, beside the tests."""


class Bound(NamedTuple):
    """A statement that gives one of the names a meaning."""

    node: ast.stmt
    name: str
    alone: bool
    """It is the only statement of its block."""


def restore_tests(data: bytes, reference: bytes, names: Collection[str]) -> tuple[bytes, list[str]]:
    """Return a Python file with tests and fixtures as in the reference, and which they are.

    ``names`` are the tests' functions and classes. What else gives one of these names a meaning
    goes, and so do fixtures and hooks that the reference does not have. Raises UnreadableFile.
    """
    before, after, tests = PythonText(reference), PythonText(data), names
    names = {*names, *support_names(before, {*names, *bindings(before, names)})}
    # A fixture that is none any more, and a function that became one, are known by their names.
    names = {*names, *bindings(before, names), *bindings(after, names)}
    old, new = bindings(before, names), bindings(after, names)
    edits: list[TextEdit] = []
    told: list[str] = []
    appended: list[str] = []
    for name in {**old, **new}:
        was = [before.code(each.node) for each in old.get(name, ())]
        now = [after.code(each.node) for each in new.get(name, ())]
        if was == now:
            continue
        told.append(name)
        depths = {each.node.col_offset for each in (*old.get(name, ()), *new.get(name, ()))}
        if (now and 1 < len(was) != len(now)) or (was and depths != {0}):
            raise UnreadableFile(f"{name} cannot be put back alone")
        if not now:
            appended += was
        wanted = [*was, *([""] * (len(now) - len(was)))]
        edits += [replace(after, each, text) for each, text in zip(new.get(name, ()), wanted)]
    strays = list(
        stray_statements(before, after, tests, {id(b.node) for s in new.values() for b in s})
    )
    told += [f"what is done to {name}" for _, name in strays]
    edits += [TextEdit(*after.span(node), "pass") for node, _ in strays]
    if appended:
        end = len(after.text)
        gap = "" if after.text.endswith(("\n", "\r")) or not after.text else "\n"
        edits.append(TextEdit(end, end, gap + "".join(f"\n\n{text}\n" for text in appended)))
    return (after.encode(drop_inner(edits)), sorted(set(told))) if edits else (data, [])


def spans_of_tests(data: bytes, names: Collection[str]) -> list[tuple[int, int]]:
    """Return where tests and what belongs to them stand, in bytes; nothing where not parsed."""
    try:
        source = PythonText(data)
    except UnreadableFile:
        return []
    marked = source.encoding == "utf-8-sig"
    plain, mark = ("utf-8", 3) if marked else (source.encoding, 0)
    found = []
    names = {*names, *support_names(source, {*names, *bindings(source, names)})}
    for each in (one for some in bindings(source, names).values() for one in some):
        start, end = source.span(each.node)
        first = mark + len(source.text[:start].encode(plain))
        found.append((first, first + len(source.text[start:end].encode(plain))))
    return sorted(found)


def bindings(source: PythonText, names: Collection[str]) -> dict[str, list[Bound]]:
    """Return what gives tests, fixtures and hooks of the module a meaning, by name."""
    found: dict[str, list[Bound]] = {}
    for node, alone in statements(source.tree):
        for name in bound_names(node):
            if name in names or SUPPORT.fullmatch(name) or is_fixture(node):
                found.setdefault(name, []).append(Bound(node, name, alone))
                break
    return found


def bound_names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds or takes away."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, (ast.Assign, ast.Delete)):
        yield from (name for target in node.targets for name in names_in(target))
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        yield from names_in(node.target)


def names_in(target: ast.expr) -> Iterator[str]:
    """Yield the names that are assigned: those themselves, and those of which a part is."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        yield from names_in(target.value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        yield from (name for each in target.elts for name in names_in(each))


def is_fixture(node: ast.stmt) -> bool:
    """Say whether a function is decorated as a fixture."""
    for each in getattr(node, "decorator_list", ()):
        found = each.func if isinstance(each, ast.Call) else each
        name = found.attr if isinstance(found, ast.Attribute) else getattr(found, "id", "")
        if name in ("fixture", "yield_fixture"):
            return True
    return False


def replace(source: PythonText, bound: Bound, text: str) -> TextEdit:
    """Return what puts another text in the place of a statement, or nothing."""
    start, end = source.span(bound.node)
    return TextEdit(start, end, text or "pass")


def stray_statements(
    before: PythonText, after: PythonText, names: Collection[str], seen: Collection[int]
) -> Iterator[tuple[ast.stmt, str]]:
    """Yield new statements that speak of a test: in the module's scope, or as a global."""
    known = {before.code(node) for node, _ in statements(before.tree)}
    for node, _ in statements(after.tree):
        if id(node) in seen or after.code(node) in known:
            continue
        for name in sorted(spoken_names(node) & set(names)):
            yield node, name
            break


def spoken_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement can change what they mean."""
    inside = isinstance(node, DEFINITIONS)
    roots: list[ast.AST] = [node]
    if not inside and list(blocks_of(node)):
        roots = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
    found: set[str] = set()
    for each in (inner for root in roots for inner in ast.walk(root)):
        if isinstance(each, ast.Global):
            found.update(each.names)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.add(each.value)
        elif isinstance(each, ast.Name) and not inside:
            found.add(each.id)
    return found


def drop_inner(edits: list[TextEdit]) -> list[TextEdit]:
    """Leave out edits inside of others."""
    kept: list[TextEdit] = []
    for each in sorted(set(edits), key=lambda edit: (edit.start, -edit.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept

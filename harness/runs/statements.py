"""Statements of Python: how execution reaches what differs, and what names mean. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef
Lines = tuple[int, int]
"""First and last line, of the unbroken file."""
SILENT = (ast.Pass, ast.Continue, ast.Break, ast.Global, ast.Nonlocal)
"""Statements that some Pythons run through without the event of a line."""


def span_of(node: ast.stmt) -> Lines:
    """First and last line of a statement, decorators included."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    first = min([node.lineno, *(each.lineno for each in decorators)])
    return first, node.end_lineno or node.lineno


def doc(function: Function) -> str | None:
    return ast.get_docstring(function, clean=False)


def nature(function: Function) -> tuple[bool, bool]:
    """What calling a function makes, without its body being run: whether it yields or awaits."""
    yields = awaits = False
    for node in own_nodes(function):
        yields = yields or isinstance(node, ast.Yield | ast.YieldFrom)
        awaits = awaits or isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
    return yields, awaits


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions and classes nested in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def find_bound_names(function: Function) -> frozenset[tuple[str, str]]:
    """Names that a function or what is nested in it binds: others mean something else elsewhere."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(function):
        kind = type(node).__name__
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.add(("name", node.id))
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found |= {(kind, name) for name in node.names}
        elif isinstance(node, ast.alias):
            found.add((kind, node.asname or node.name.partition(".")[0]))
        elif isinstance(node, ast.MatchMapping):
            found.add((kind, node.rest or ""))
        elif isinstance(
            node,
            ast.FunctionDef
            | ast.AsyncFunctionDef
            | ast.ClassDef
            | ast.ExceptHandler
            | ast.MatchAs
            | ast.MatchStar,
        ):
            found.add((kind, node.name or ""))
        elif isinstance(node, ast.arg):
            found.add((kind, node.arg))
        elif isinstance(node, ast.Call) and read_callee_name(node) in (
            "super",
            "locals",
            "vars",
            "eval",
        ):
            found.add(("call", read_callee_name(node)))
    return frozenset(found)


def read_callee_name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def find_touched_lines(
    old: Sequence[ast.stmt], new: Sequence[ast.stmt]
) -> tuple[Lines, ...] | None:
    """Return lines one of which runs before anything that differs; None when none can be named.

    Control enters a list of statements at its top and goes on one by one, so what differs is
    reached through the first statement that does.
    """
    ones, others = [ast.dump(each) for each in old], [ast.dump(each) for each in new]
    start = 0
    while start < min(len(ones), len(others)) and ones[start] == others[start]:
        start += 1
    end = 0
    while end < min(len(ones), len(others)) - start and ones[-1 - end] == others[-1 - end]:
        end += 1
    rest, other = old[start : len(old) - end], new[start : len(new) - end]
    if len(rest) == len(other) == 1:
        inner = find_touched_lines_inside(rest[0], other[0])
        if inner is not None:
            return inner
    before = old[start] if start < len(old) else old[-1] if old else None
    return None if before is None or is_silent(before) else (span_of(before),)


def is_silent(statement: ast.stmt) -> bool:
    """Say whether a statement may run without the event of a line."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    return isinstance(statement, SILENT)


def find_touched_lines_inside(old: ast.stmt, new: ast.stmt) -> tuple[Lines, ...] | None:
    """Look inside a statement that holds others; None when it differs in more than those."""
    if isinstance(old, ast.FunctionDef | ast.AsyncFunctionDef) and (
        not isinstance(new, ast.FunctionDef | ast.AsyncFunctionDef)
        or nature(old) != nature(new)
        or doc(old) != doc(new)
    ):
        return None
    ones, others = lists_inside(old), lists_inside(new)
    if not ones or len(ones) != len(others) or shell(old) != shell(new):
        return None
    found: list[Lines] = []
    for one, two in zip(ones, others, strict=True):
        if [ast.dump(each) for each in one] != [ast.dump(each) for each in two]:
            inner = find_touched_lines(one, two)
            if inner is None:
                return None
            found += inner
    return tuple(found) or None


def lists_inside(statement: ast.AST) -> list[list[ast.stmt]]:
    """The lists of statements that a statement holds, those of handlers and cases included."""
    found: list[list[ast.stmt]] = []
    for _, value in ast.iter_fields(statement):
        if isinstance(value, list) and value:
            if isinstance(value[0], ast.stmt):
                found.append(value)
            elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                found += [each.body for each in value]
    return found


def shell(statement: ast.stmt) -> str:
    """A statement without the lists that it holds."""
    kept = [(each, list(each)) for each in lists_inside(statement)]
    for each, _ in kept:
        each.clear()
    text = ast.dump(statement)
    for each, content in kept:
        each.extend(content)
    return text

"""What tests in a module stand on: their data, the classes they inherit, what asserts for them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from syntax.intake.sources import DEFINITIONS, PythonText


def support_names(source: PythonText, names: Collection[str]) -> set[str]:
    """Return names at the module's top that tests stand on and the code does not.

    ``names`` are tests, fixtures and hooks. Of data, what they alone use, or what parametrises
    them; of classes, those they inherit from; of functions, those that assert and return nothing.
    """
    top = {name: node for node in source.tree.body for name in names_of(node)}
    found: set[str] = set()
    waiting = [name for name in names if name in top]
    while waiting:
        node = top[waiting.pop()]
        others = [each for name, each in top.items() if name not in found and name not in names]
        used = names_loaded([node])
        new = {
            name
            for name in used & top.keys()
            if name not in found
            and name not in names
            and belongs_to_tests(name, top[name], node, others)
        }
        found |= new
        waiting += new
    return found


def belongs_to_tests(name: str, own: ast.stmt, test: ast.stmt, others: list[ast.stmt]) -> bool:
    """Say whether what a test uses is the test's, and no code that it tests."""
    if isinstance(own, ast.ClassDef):
        bases = test.bases if isinstance(test, ast.ClassDef) else []
        return name in names_loaded(bases)
    if isinstance(own, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return is_assertion(own)
    if name in names_loaded(getattr(test, "decorator_list", ())):
        return True
    return name not in names_loaded(each for each in others if each is not own)


def names_of(node: ast.stmt) -> list[str]:
    """Return the names that a definition or an assignment at the top gives."""
    if isinstance(node, DEFINITIONS):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    found = (each for target in targets for each in ast.walk(target))
    return [each.id for each in found if isinstance(each, ast.Name) and each.id != "__all__"]


def names_loaded(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that code asks for; strings in ``__all__`` ask for what they name."""
    found: set[str] = set()
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
                found.add(each.id)
    return found


def is_assertion(node: ast.AST) -> bool:
    """Say whether a function asserts something and returns nothing."""
    inside = list(ast.walk(node))
    returns = any(
        isinstance(each, (ast.Yield, ast.YieldFrom))
        or (isinstance(each, ast.Return) and each.value is not None)
        for each in inside
    )
    return not returns and any(isinstance(each, ast.Assert) for each in inside)

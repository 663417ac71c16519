"""Which tests can notice a change: rules over what each test was seen to run. Pure.

Coverage is taken with every test alone in a process of its own (``harness/runner.py``), so that a
lazy import, a cache or a shared fixture is seen by all who need it. The rules are written down,
with their reasons, in docs/selection.md.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
PYTHON = (".py", ".pyi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one test ran and read, alone."""

    code: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """First lines of the code objects that it entered, by file of the tree."""
    opened: frozenset[str] = frozenset()
    """Files of the tree that it opened, imports of its own included."""
    opaque: bool = False
    """It started processes, or switched the tracing off: what it runs cannot be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the baseline's tests ran; ``imported`` is what ran before the first of them."""

    imported: Seen
    tests: Mapping[str, Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The tests that can notice a change; None stands for every test, and why."""

    tests: frozenset[str] | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Lines of one outermost function of the unbroken file, decorators left out."""

    first: int
    last: int


def select(
    coverage: Coverage, files: Mapping[str, bytes | None], read: Mapping[str, bytes | None]
) -> Selection:
    """Return the tests that can notice ``files``; ``read`` holds their unbroken content."""
    chosen: set[str] = {test for test, seen in coverage.tests.items() if seen.opaque}
    for path, new in files.items():
        old = read.get(path)
        if old is None or new is None or not path.endswith(PYTHON[0]):
            return Selection(tests=None, why=f"{path} is no source file that only changes")
        spans = changed_functions(old, new)
        if spans is None:
            return Selection(tests=None, why=f"{path} changes outside of function bodies")
        if any(entered(coverage.imported, path, span) for span in spans):
            return Selection(tests=None, why=f"a changed function of {path} runs at import")
        for test, seen in coverage.tests.items():
            if reads_source(seen, path) or any(entered(seen, path, span) for span in spans):
                chosen.add(test)
    return Selection(tests=frozenset(chosen), why="tests that enter the changed functions")


def entered(seen: Seen, path: str, span: Span) -> bool:
    """Say whether any code of a function was entered: itself, or what is nested in it."""
    return any(span.first <= line <= span.last for line in seen.code.get(path, ()))


def reads_source(seen: Seen, path: str) -> bool:
    """Say whether a test reads the file itself; one that imports it does so too, to be safe."""
    return path in seen.opened


def changed_functions(old: bytes, new: bytes) -> tuple[Span, ...] | None:
    """Return the outermost functions whose bodies differ; None when anything else does.

    Signatures, decorators, docstrings and whether a function is a generator belong to what else
    there is: they act without the function being called.
    """
    before, after = parse(old), parse(new)
    if before is None or after is None:
        return None
    ones, others = list(outermost(before)), list(outermost(after))
    if len(ones) != len(others):
        return None
    changed = [
        (one, other)
        for one, other in zip(ones, others, strict=True)
        if bodies(one) != bodies(other)
    ]
    for one, other in changed:
        if nature(one) != nature(other):
            return None
    for function in (*ones, *others):
        function.body = []
    if ast.dump(before) != ast.dump(after):
        return None
    return tuple(span_of(one) for one, _ in changed)


def parse(source: bytes) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def outermost(tree: ast.AST) -> Iterator[Function]:
    """Yield the functions that no other function holds, those of classes included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif not isinstance(node, ast.Lambda):
            yield from outermost(node)


def bodies(function: Function) -> list[str]:
    return [ast.dump(statement) for statement in function.body]


def nature(function: Function) -> tuple[object, ...]:
    """What a function is without being called: its docstring, and whether it yields."""
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))
    awaits = any(isinstance(node, ast.Await | ast.AsyncFor) for node in own_nodes(function))
    return (ast.get_docstring(function, clean=False), yields, awaits)


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions and classes nested in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def span_of(function: Function) -> Span:
    """A code object's first line is its first decorator's, so that is where the span begins."""
    first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
    return Span(first=first, last=function.end_lineno or function.lineno)


def files_of(tests: Iterable[str]) -> frozenset[str]:
    """Return the files that hold tests, by their ids."""
    return frozenset(test.partition("::")[0] for test in tests)

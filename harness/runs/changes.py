"""What a patch changes of a source file: which functions, and where execution must pass to see it.

Pure, and quick for the usual bug, which lies within one function: then only that function is
parsed anew. The rules are written down, with their reasons, in docs/selection.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.runs.statements import (
    Function,
    Lines,
    doc,
    find_bound_names,
    find_touched_lines,
    nature,
    span_of,
)
from syntax.python import PARSING, parse_python


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionChange:
    """One outermost function that is different; everything around it is as it was."""

    name: str
    classes: tuple[str, ...]
    """Names of the classes around it, the outermost first."""
    span: Lines
    """The function with its decorators."""
    imports: tuple[str, ...]
    """Names of it that its module imports: compilers treat those in their own way."""
    old: str
    """Its lines as they were, and as they are; the latter begin at line ``new_first``."""
    new: str
    new_first: int
    touched: tuple[Lines, ...]
    """Execution that can notice the change has run through one of these."""
    precise: bool = True
    """False when a call is all it takes, whatever the call runs through."""
    introspects: str = ""
    """The attribute by which the change can be noticed without a call, or nothing."""
    defaults: tuple[tuple[str, int, str], ...] = ()
    """New defaults: their attribute, their place there, and their literal."""


def changes(old: bytes, new: bytes) -> tuple[FunctionChange, ...] | None:
    """Return the outermost functions that differ; None when anything else does."""
    outline = outline_of(old)
    if outline is None:
        return None
    quick = compare_single_function(outline, new)
    if quick is not None:
        return quick.found
    return compare_all_functions(outline, new)


@dataclass(frozen=True, slots=True)
class Outline:
    """A source file: its lines and its outermost functions."""

    lines: tuple[str, ...]
    functions: tuple[tuple[tuple[str, ...], Function], ...]
    """Each with the names of the classes around it."""
    imports: frozenset[str]
    """Names that the module imports, outside of functions and classes."""


@lru_cache(maxsize=256)
def outline_of(source: bytes) -> Outline | None:
    tree = parse_python(source)
    text = decode(source)
    if tree is None or text is None:
        return None
    imports = frozenset(find_imported_names(tree))
    return Outline(tuple(text.split("\n")), tuple(outermost(tree, ())), imports)


def find_imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a module imports in its own scope."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif not isinstance(node, Function | ast.ClassDef | ast.Lambda | ast.expr):
            yield from find_imported_names(node)


def decode(source: bytes) -> str | None:
    """Decode what is plain: UTF-8, and no line ends but those that all agree on."""
    if b"\r" in source or b"\f" in source or source.startswith(b"\xef\xbb\xbf"):
        return None
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        return None


def outermost(
    tree: ast.AST, classes: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Function]]:
    """Yield the functions that no other function holds, those of classes included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield classes, node
        elif isinstance(node, ast.ClassDef):
            yield from outermost(node, (*classes, node.name))
        elif not isinstance(node, ast.Lambda):
            yield from outermost(node, classes)


@dataclass(frozen=True, slots=True)
class ChangesWithin:
    """A result that may be None: what changes is known to lie within one function."""

    found: tuple[FunctionChange, ...] | None


def compare_single_function(outline: Outline, new: bytes) -> ChangesWithin | None:
    """Compare one function alone, where all lines that differ are its own; None when not so."""
    text = decode(new)
    if text is None:
        return None
    before, after = outline.lines, text.split("\n")
    start, most = 0, min(len(before), len(after))
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    if start == len(before) == len(after):
        return ChangesWithin(())
    for classes, node in outline.functions:
        first, last = span_of(node)
        if first <= start + 1 and len(before) - end <= last and start < last:
            old_text = "\n".join(before[first - 1 : last])
            new_text = "\n".join(after[first - 1 : len(after) - (len(before) - last)])
            other = function_alone(new_text, first)
            if other is None:
                return None
            change = compare(outline, classes, node, other, old_text, new_text)
            return ChangesWithin(change if change is None else (change,))
    return None


def function_alone(text: str, first: int) -> Function | None:
    """Parse the lines of one function; None when they hold anything else."""
    indented = text[:1] in (" ", "\t")
    tree = parse_python(("if 1:\n" if indented else "") + text)
    body = tree.body if tree is not None else []
    if indented and body and isinstance(body[0], ast.If) and len(body) == 1:
        if body[0].orelse:
            return None
        body = body[0].body
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    ast.increment_lineno(body[0], first - 1 - indented)
    return body[0]


def compare_all_functions(outline: Outline, new: bytes) -> tuple[FunctionChange, ...] | None:
    """Compare all functions of a file, and what is around them."""
    other = outline_of(new)
    if other is None or len(other.functions) != len(outline.functions):
        return None
    found = []
    for (classes, one), (_, two) in zip(outline.functions, other.functions, strict=True):
        if ast.dump(one) != ast.dump(two):
            (a, b), (c, d) = span_of(one), span_of(two)
            old_text, new_text = (
                "\n".join(outline.lines[a - 1 : b]),
                "\n".join(other.lines[c - 1 : d]),
            )
            change = compare(outline, classes, one, two, old_text, new_text)
            if change is None:
                return None
            found.append(change)
    if dump_surroundings(outline) != dump_surroundings(other):
        return None
    return tuple(found)


def dump_surroundings(outline: Outline) -> str:
    """A file without the insides of its functions, in a form that can be compared."""
    with PARSING:
        tree = ast.parse("\n".join(outline.lines))
    for _, function in outermost(tree, ()):
        function.body, function.decorator_list = [], []
        function.args = ast.arguments([], [], None, [], [], None, [])
    return ast.dump(tree)


def compare(
    outline: Outline,
    classes: tuple[str, ...],
    old: Function,
    new: Function,
    old_text: str,
    new_text: str,
) -> FunctionChange | None:
    """Compare two functions; None when the difference acts without either being called."""
    if head(old) != head(new) or doc(old) != doc(new):
        return None
    defaults = changed_defaults(old, new)
    if defaults is None:
        return None
    natures = nature(old) == nature(new)
    whole = (old.body[0].lineno, old.end_lineno or old.lineno)
    touched: tuple[Lines, ...] = (whole,)
    precise = natures and not defaults and find_bound_names(old) == find_bound_names(new)
    if precise:
        found = find_touched_lines(old.body, new.body)
        precise = found is not None
        touched = found if found is not None else touched
    return FunctionChange(
        name=old.name,
        classes=classes,
        span=span_of(old),
        imports=tuple(sorted(n for n in outline.imports if n in old_text or n in new_text)),
        old=old_text,
        new=new_text,
        new_first=span_of(new)[0],
        touched=touched,
        precise=precise,
        introspects=""
        if natures and not defaults
        else "__code__"
        if not natures
        else "__defaults__",
        defaults=defaults,
    )


def head(function: Function) -> str:
    """All of a function but its body and the values of its defaults."""
    arguments = function.args
    bare = ast.arguments(
        arguments.posonlyargs,
        arguments.args,
        arguments.vararg,
        arguments.kwonlyargs,
        [value and ast.Constant(0) for value in arguments.kw_defaults],
        arguments.kwarg,
        [ast.Constant(0) for _ in arguments.defaults],
    )
    parts = [type(function).__name__, function.name, ast.dump(bare)]
    others = [*function.decorator_list, *getattr(function, "type_params", ())]
    parts += [ast.dump(each) for each in others]
    return "|".join([*parts, ast.dump(function.returns) if function.returns else ""])


def changed_defaults(old: Function, new: Function) -> tuple[tuple[str, int, str], ...] | None:
    """Return the defaults that differ; None when one of them is no plain literal.

    Those of ``__kwdefaults__`` are numbered among all keyword-only arguments.
    """
    found = []
    pairs: list[tuple[str, Sequence[ast.expr | None], Sequence[ast.expr | None]]] = [
        ("__defaults__", old.args.defaults, new.args.defaults),
        ("__kwdefaults__", old.args.kw_defaults, new.args.kw_defaults),
    ]
    for attribute, ones, others in pairs:
        for place, (one, other) in enumerate(zip(ones, others, strict=True)):
            if one is None or other is None or ast.dump(one) == ast.dump(other):
                continue
            if not (isinstance(one, ast.Constant) and isinstance(other, ast.Constant)):
                return None
            found.append((attribute, place, ast.unparse(other)))
    return tuple(found)

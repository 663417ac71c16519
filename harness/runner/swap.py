"""New code for functions of a session that is held, and every reason not to give it.

``docs/selection.md`` has the argument: a fork of the session with new code must be what a fresh
process would be that had imported the changed file. Where that is not certain the answer is why
not, and the run takes a slower path.
"""

from __future__ import annotations
import __future__

import ast
import functools
import gc
import linecache
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from .places import TreePaths

if TYPE_CHECKING:
    from collections.abc import Callable

FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag
SUSPENDED = {
    types.GeneratorType: "gi_code",
    types.CoroutineType: "cr_code",
    types.AsyncGeneratorType: "ag_code",
}


class FunctionIndex:
    """The functions of the tree by file, and what makes their files unfit for new code."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.places = TreePaths(root)
        self.inspected: set[str] = set()
        self.functions: dict[str, list[Any]] = {}
        self.suspended: dict[str, list[Any]] = {}
        self.loaded: set[str] = set()

    def collect(self) -> None:
        """List the functions of the tree, and what is suspended in its code.

        The collector of garbage knows every function there is, wherever it is kept: a decorator,
        a registry or a closure may hold one that no module names. A copy that was missed would
        go on with the old code.
        """
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                self.loaded.add(self.places.inside(file))
        for found in gc.get_objects():
            # By ``type``, for ``isinstance`` asks ``__class__``, which runs code of the tests.
            kind = type(found)
            if kind is types.FunctionType:
                path = self.places.inside(found.__code__.co_filename)
                if path:
                    self.functions.setdefault(path, []).append(found)
            elif kind in SUSPENDED:
                code = getattr(found, SUSPENDED[kind])
                path = self.places.inside(code.co_filename)
                if path:
                    self.suspended.setdefault(path, []).append(code)

    def swap(self, swaps: list[dict[str, Any]]) -> str:
        """Give functions their new code; return why that cannot be done, having changed none."""
        # All are found before any is changed: half of a bug is another bug.
        changes: list[Callable[[], None]] = []
        for each in swaps:
            why = self.find_changes(each, changes)
            if why:
                return why
        for change in changes:
            change()
        return ""

    def find_changes(self, each: dict[str, Any], changes: list[Callable[[], None]]) -> str:
        """Find what is to be swapped; return why it cannot be."""
        path, name, (first, last) = each["path"], each["name"], each["span"]
        # The changed file is on disk by now: a traceback must quote that one.
        linecache.cache.pop(os.path.join(self.root, path), None)
        if path in self.inspected:
            return "the source of %s is read before the first test" % path
        functions = [
            function
            for function in self.functions.get(path, ())
            if first <= function.__code__.co_firstlineno <= last
        ]
        if not functions:
            # A file that nothing has loaded is imported in the fork, and has the change already.
            return "no function %s is found" % name if path in self.loaded else ""
        flags = functions[0].__code__.co_flags & FUTURE
        try:
            old = compile_alone(each["old"], first, each, flags)
            new = compile_alone(each["new"], each["new_first"], each, flags)
        except (SyntaxError, ValueError, LookupError) as error:
            return "%s cannot be compiled alone: %s" % (name, error)
        pairs = match_code(old, new)
        for function in functions:
            # The old source has to give the very code that is there. Whatever this compiler does
            # not know of (a rewritten file, a decorator's own code) shows here, and not as a
            # wrong verdict.
            fitting = [two for one, two in pairs if one == function.__code__]
            if not fitting or any(two != fitting[0] for two in fitting):
                return "%s is not as its file has it" % name
            code, seen = fitting[0], each["introspects"]
            if describe_shape(function.__code__, seen) != describe_shape(code, seen):
                return "%s changes its shape" % name
            code = rename_file(code, function.__code__.co_filename)
            changes.append(functools.partial(setattr, function, "__code__", code))
            if is_outermost(function.__code__, old):
                changes += replace_defaults(function, each["defaults"])
        if any(first <= code.co_firstlineno <= last for code in self.suspended.get(path, ())):
            # A generator keeps the code that it began with.
            return "%s has begun to run before the first test" % name
        return ""


def compile_alone(source: str, first: int, place: dict[str, Any], flags: int) -> types.CodeType:
    """Compile an outermost function as it would be within its file.

    ``source`` are its lines, the first of which is line ``first``; ``place`` names the classes
    around it, and which of its names the module imports. Raises SyntaxError, ValueError or
    LookupError.
    """
    # Empty lines before it, for line numbers are part of the code that is compared.
    text = source
    if source[:1] in " \t":
        text = "\n" * (first - 2) + "if 1:\n" + source
    else:
        text = "\n" * (first - 1) + source
    body: Any = ast.parse(text).body
    if source[:1] in " \t":
        body = body[0].body
    for name in reversed(place["classes"]):
        around: Any = ast.parse("class %s: pass" % name).body[0]
        around.body = body
        body = [around]
    filename = place["path"]
    # From Python 3.12 on a call of an attribute is other code where the module imports the name
    # (``is_import_originated`` in CPython's compiler).
    imports = [ast.parse("import " + name).body[0] for name in place["imports"]]
    module = ast.Module(body=[*imports, *body], type_ignores=[])
    code: types.CodeType = compile(module, filename, "exec", flags=flags, dont_inherit=True)
    for name in [*place["classes"], place["name"]]:
        (code,) = [
            each
            for each in code.co_consts
            if isinstance(each, types.CodeType) and each.co_name == name
        ]
    return code


def match_code(old: types.CodeType, new: types.CodeType) -> list[tuple[Any, Any]]:
    """Pair code with what is nested in it, by position; only itself where that differs in kind.

    Functions that exist already hold the code of inner ones: each copy is met by its own pair.
    """
    pairs: list[tuple[Any, Any]] = [(old, new)]
    ones = [each for each in old.co_consts if isinstance(each, types.CodeType)]
    others = [each for each in new.co_consts if isinstance(each, types.CodeType)]
    if [each.co_name for each in ones] == [each.co_name for each in others]:
        for place, one in enumerate(ones):
            pairs += match_code(one, others[place])
    return pairs


def is_outermost(code: types.CodeType, old: types.CodeType) -> bool:
    """Say whether code is that of the outermost function itself."""
    return code.co_firstlineno == old.co_firstlineno and code.co_name == old.co_name


def rename_file(code: types.CodeType, filename: str) -> types.CodeType:
    """Code, and what is nested in it, as of another file."""
    constants = tuple(
        rename_file(each, filename) if isinstance(each, types.CodeType) else each
        for each in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


def replace_defaults(function: Any, defaults: list[Any]) -> list[Callable[[], None]]:
    """What gives a function its new defaults."""
    found: list[Callable[[], None]] = []
    for attribute, place, literal in defaults:
        value = ast.literal_eval(literal)
        kept = getattr(function, attribute)
        if attribute == "__defaults__":
            given: Any = (*kept[:place], value, *kept[place + 1 :])
        else:
            code = function.__code__
            given = {**kept, code.co_varnames[code.co_argcount + place]: value}
        found.append(functools.partial(setattr, function, attribute, given))
    return found


def describe_shape(code: types.CodeType, introspects: str) -> tuple[Any, ...]:
    """What a function's new code must have in common with the old.

    What a decorator, pytest or the repository may have read of it at import, and closed over.
    """
    count = code.co_argcount + code.co_kwonlyargcount
    # ``*args`` and ``**kwargs`` (``inspect.CO_VARARGS``, ``CO_VARKEYWORDS``) are names as well.
    count += bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return (
        code.co_name,
        None if introspects == "__code__" else code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:count],
        code.co_freevars,
        code.co_cellvars,
    )

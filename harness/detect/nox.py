"""Read ``noxfile.py`` by its syntax tree: what the sessions install and run. Never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.detect.commands import read_words
from harness.detect.installers import Recipe, combine_recipes, pip
from harness.detect.model import strings
from harness.detect.python_source import parse
from harness.detect.setuptools_files import evaluate, module_values, read_last_name
from harness.detect.shell import UNKNOWN
from harness.detect.tree import RepositoryTree, read_text

INSTALL = frozenset({"install", "conda_install"})
RUN = frozenset({"run", "run_always", "run_install"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoxSession:
    """One session of nox."""

    name: str
    recipe: Recipe
    pythons: tuple[str, ...] = ()


def read_nox(tree: RepositoryTree) -> tuple[NoxSession, ...]:
    """Return the sessions of ``noxfile.py`` in their order; those nox runs unasked go first."""
    if tree.read_file("noxfile.py") is None:
        return ()
    module = parse(read_text(tree, "noxfile.py"))
    names = module_values(module)
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    found = []
    for function in functions.values():
        options = session_options(function, names)
        if options is not None and function.args.args:
            body = Body(functions=functions, names=names)
            found.append(
                NoxSession(
                    name=str(options.get("name") or function.name),
                    recipe=combine_recipes(body.read_function(function)),
                    pythons=strings(options.get("python")),
                )
            )
    unasked = default_sessions(module, names)
    return tuple(sorted(found, key=lambda session: session.name not in unasked))


def nox_pythons(tree: RepositoryTree) -> tuple[str, ...]:
    """Return the Python versions that sessions which run tests ask for."""
    testing = (session for session in read_nox(tree) if session.recipe.tests)
    return tuple(dict.fromkeys(python for session in testing for python in session.pythons))


def session_options(
    function: ast.FunctionDef, names: Mapping[str, Any]
) -> dict[str, object] | None:
    """Return the options of a function's ``@nox.session``; None when it is no session."""
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if read_last_name(call.func if call else decorator) == "session":
            given = call.keywords if call else []
            return {k.arg: evaluate(k.value, names) for k in given if k.arg}
    return None


def default_sessions(module: ast.Module, names: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the value of ``nox.options.sessions``."""
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "nox.options.sessions":
            return strings(evaluate(node.value, names))
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Reads the body of a session, and of the functions it hands its session to."""

    functions: Mapping[str, ast.FunctionDef]
    names: Mapping[str, Any]
    seen: set[str] = field(default_factory=set)
    """Functions that were read already."""

    def read_function(
        self, function: ast.FunctionDef, given: Mapping[str, Any] | None = None
    ) -> Iterator[Recipe]:
        """Yield what each call on the session does, in order; ``given`` are other arguments."""
        self.seen.add(function.name)
        session = function.args.args[0].arg
        names: dict[str, Any] = {**self.names, **argument_defaults(function), **(given or {})}
        env: dict[str, str] = {}
        for node in in_order(function.body):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self.assign(node.targets[0], node.value, names, env)
            elif isinstance(node, ast.Call):
                yield from self.call(node, session, names, env)

    def assign(
        self, target: ast.expr, value: ast.expr, names: dict[str, Any], env: dict[str, str]
    ) -> None:
        """Keep what a local name, or ``session.env[name]``, is set to."""
        known = evaluate(value, names)
        if isinstance(target, ast.Name) and (known is not None or target.id not in names):
            names[target.id] = known
        elif isinstance(target, ast.Subscript) and read_last_name(target.value) == "env":
            key = evaluate(target.slice, names)
            if isinstance(key, str) and isinstance(known, str):
                env[key] = known

    def call(
        self, node: ast.Call, session: str, names: Mapping[str, Any], env: Mapping[str, str]
    ) -> Iterator[Recipe]:
        function = node.func
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) == session:
            words = list(arguments(node, names))
            given = next((k.value for k in node.keywords if k.arg == "env"), None)
            own = evaluate(given, names) if given is not None else None
            plain = own.items() if isinstance(own, dict) else ()
            if function.attr in INSTALL:
                yield pip(words)
            elif function.attr in RUN:
                yield read_words(words, {**env, **{k: v for k, v in plain if isinstance(v, str)}})
            elif function.attr == "notify" and words:
                yield Recipe(calls=(("nox", words[0]),))
        elif isinstance(function, ast.Name) and function.id in self.functions and node.args:
            helper = self.functions[function.id]
            handed = ast.unparse(node.args[0]) == session
            if handed and helper.args.args and helper.name not in self.seen:
                known = {k.arg: evaluate(k.value, names) for k in node.keywords if k.arg}
                yield from self.read_function(helper, known)


def argument_defaults(function: ast.FunctionDef) -> dict[str, Any]:
    """Return the defaults of a function's arguments, as far as they are literal."""
    given = function.args
    last = given.args[len(given.args) - len(given.defaults) :]
    pairs = [*zip(last, given.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d]
    return {argument.arg: evaluate(default, {}) for argument, default in pairs}


def in_order(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node of statements, in the order they are written."""
    nodes = (node for statement in body for node in ast.walk(statement))
    located = (node for node in nodes if isinstance(node, (ast.Assign, ast.Call)))
    return iter(sorted(located, key=lambda node: (node.lineno, node.col_offset)))


def arguments(node: ast.Call, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words of ``session.run`` or ``session.install``; what is unknown stays so."""
    for each in node.args:
        if isinstance(each, ast.Starred):
            yield from expand_starred(each.value, names)
        elif not isinstance(value := evaluate(each, names), (list, tuple)):
            yield value if isinstance(value, str) else UNKNOWN


def expand_starred(node: ast.expr, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words of a list; nox's function for dependency groups gives their names."""
    if isinstance(node, ast.Call) and read_last_name(node.func) == "dependency_groups":
        for each in node.args[1:]:
            value = evaluate(each, names)
            yield from ("--group", value) if isinstance(value, str) else ()
    else:
        value = evaluate(node, names)
        for item in value if isinstance(value, list) else []:
            yield item if isinstance(item, str) else UNKNOWN

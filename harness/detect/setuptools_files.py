"""Read ``setup.cfg``, and ``setup.py`` by its syntax tree: it is never executed."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Mapping
from typing import Any

from harness.detect.model import ProjectMetadata, strings
from harness.detect.python_source import parse
from harness.detect.tree import RepositoryTree, read_text

HISTORY_SIGNS = {
    "setuptools-scm": r"\buse_scm_version\b|\bsetuptools[_-]scm\b",
    "pbr": r"\bpbr\s*=\s*True\b",
}

MOST_ITEMS = 200
"""Items of a list that a comprehension is read over."""
LONGEST = 10_000
"""Characters of a text or items of a list that can be meant."""


class Ini(configparser.ConfigParser):
    """An ini file read as leniently as its own tools do; names keep their case."""

    def __init__(self) -> None:
        super().__init__(interpolation=None, strict=False, allow_no_value=True)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def load_ini(text: str) -> Ini:
    """Parse an ini file; a broken one counts as empty."""
    parser = Ini()
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError):  # the latter: a continued key without a value
        return Ini()
    return parser


def lines(value: str | None) -> tuple[str, ...]:
    """Return the lines of a multi-line value that hold something, comments left out."""
    found = (line.strip() for line in (value or "").splitlines())
    return tuple(line for line in found if line and not line.startswith("#"))


def read_setup_cfg(tree: RepositoryTree) -> ProjectMetadata:
    """Return what ``setup.cfg`` says of the project."""
    parser = load_ini(read_text(tree, "setup.cfg"))

    def get(section: str, key: str) -> str:
        return parser.get(section, key, fallback="") or ""

    extras = {}
    if parser.has_section("options.extras_require"):
        pairs = parser.items("options.extras_require")
        extras = {name: read_requirement_list(tree, value) for name, value in pairs}
    tests = read_requirement_list(tree, get("options", "tests_require"))
    return ProjectMetadata(
        name=get("metadata", "name"),
        installable=parser.has_section("metadata") and bool(get("metadata", "name")),
        requires_python=get("options", "python_requires").strip(),
        classifiers=lines(get("metadata", "classifiers") or get("metadata", "classifier")),
        dependencies=read_requirement_list(tree, get("options", "install_requires")),
        extras=extras,
        lists={"tests_require": tests} if tests else {},
    )


def read_requirement_list(tree: RepositoryTree, value: str | None) -> tuple[str, ...]:
    """Return requirements of a value: lines, ``;``-free commas, or ``file: name``."""
    text = (value or "").strip()
    if text.startswith("file:"):
        names = text.removeprefix("file:").replace("\n", ",").split(",")
        return tuple(line for name in names for line in lines(read_text(tree, name.strip())))
    return lines(text)


def read_setup_py(tree: RepositoryTree) -> ProjectMetadata:
    """Return what the literal arguments of the ``setup()`` call say of the project."""
    if tree.read_file("setup.py") is None:
        return ProjectMetadata()
    arguments = setup_arguments(read_text(tree, "setup.py"))
    raw_extras = arguments.get("extras_require")
    extras = raw_extras if isinstance(raw_extras, Mapping) else {}
    tests = strings(arguments.get("tests_require"))
    return ProjectMetadata(
        name=text(arguments.get("name")),
        installable=True,
        requires_python=text(arguments.get("python_requires")),
        classifiers=strings(arguments.get("classifiers")),
        dependencies=strings(arguments.get("install_requires")),
        extras={str(name): strings(items) for name, items in extras.items()},
        lists={"tests_require": tests} if tests else {},
        build_requires=asks_history(read_text(tree, "setup.py")),
    )


def asks_history(source: str) -> tuple[str, ...]:
    """Return the tools by which a ``setup.py`` gets its version from version control."""
    return tuple(tool for tool, sign in HISTORY_SIGNS.items() if re.search(sign, source))


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def setup_arguments(source: str) -> dict[str, Any]:
    """Return the arguments of ``setup()`` whose values can be known without running anything."""
    module = parse(source)
    names = module_values(module)
    found: dict[str, Any] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and read_last_name(node.func) == "setup":
            for keyword in node.keywords:
                value = evaluate(keyword.value, names)
                if keyword.arg is None and isinstance(value, Mapping):
                    found.update(value)
                elif keyword.arg is not None and value is not None:
                    found[keyword.arg] = value
    return found


def read_last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def module_values(module: ast.Module) -> dict[str, Any]:
    """Return the values of module-level names, as far as they can be known."""
    names: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            assign(node.targets[0], evaluate(node.value, names), names)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            assign(node.target, evaluate(node.value, names), names)
    return names


def assign(target: ast.expr, value: object, names: dict[str, Any]) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        container, key = names.get(target.value.id), evaluate(target.slice, names)
        if isinstance(container, dict) and isinstance(key, str):
            container[key] = value


def evaluate(node: ast.expr, names: Mapping[str, Any]) -> object:
    """Return a value built of literals, names, sums and lookups; None for anything else.

    Of alternatives, the first that is known counts.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names.get(name)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [part for item in items for part in expand_item(item, names)]
        case ast.Dict(keys=keys, values=values):
            return evaluate_dict(keys, values, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return add(evaluate(left, names), evaluate(right, names))
        case ast.Subscript(value=container, slice=key):
            return lookup(evaluate(container, names), evaluate(key, names))
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {k.arg: evaluate(k.value, names) for k in keywords if k.arg}
        case ast.Call(func=ast.Name(id="list" | "sorted" | "set" | "tuple"), args=[inner]):
            return evaluate(inner, names)
        case ast.JoinedStr(values=parts):
            texts = [evaluate(part, names) for part in parts]
            return limit_size("".join(map(str, texts))) if None not in texts else None
        case ast.FormattedValue(format_spec=None) as filled:
            return evaluate(filled.value, names)
        case ast.BoolOp(op=ast.Or(), values=options):
            return next((known for each in options if (known := evaluate(each, names))), None)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            known = evaluate(test, names)
            refused = known is not None and not known
            return evaluate(orelse if refused else body, names) or evaluate(orelse, names)
        case ast.Call(func=ast.Attribute(value=text, attr="split"), args=[mark]):
            return split_text(evaluate(text, names), evaluate(mark, names))
        case ast.GeneratorExp(elt=each, generators=[only]):
            return evaluate_comprehension(each, only, names)
        case ast.ListComp(elt=each, generators=[only]):
            return evaluate_comprehension(each, only, names)
    return None


def evaluate_comprehension(
    each: ast.expr, over: ast.comprehension, names: Mapping[str, Any]
) -> object:
    """Return the list that a simple comprehension makes; one inside another stays unknown."""
    items = evaluate(over.iter, names)
    nested = any(isinstance(node, (ast.GeneratorExp, ast.ListComp)) for node in ast.walk(each))
    if nested or over.ifs or not isinstance(items, list) or not isinstance(over.target, ast.Name):
        return None
    name = over.target.id
    return [evaluate(each, {**names, name: item}) for item in items[:MOST_ITEMS]]


def split_text(value: object, mark: object) -> list[str] | None:
    known = isinstance(value, str) and isinstance(mark, str) and mark
    return str(value).split(str(mark)) if known else None


def expand_item(item: ast.expr, names: Mapping[str, Any]) -> list[Any]:
    if isinstance(item, ast.Starred):
        inner = evaluate(item.value, names)
        return list(inner) if isinstance(inner, list) else []
    return [evaluate(item, names)]


def evaluate_dict(
    keys: list[ast.expr | None], values: list[ast.expr], names: Mapping[str, Any]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in zip(keys, values, strict=True):
        known = evaluate(value, names)
        if key is None:
            found.update(known if isinstance(known, dict) else {})
        elif isinstance(name := evaluate(key, names), str):
            found[name] = known
    return found


def add(left: object, right: object) -> object:
    """Add two lists or strings; what is unknown adds nothing."""
    if left is None or right is None:
        return left if right is None else right
    if isinstance(left, list) and isinstance(right, list):
        return limit_size(left + right)
    return limit_size(left + right) if isinstance(left, str) and isinstance(right, str) else None


def limit_size(value: list[Any] | str) -> object:
    """Return a value that can be meant; one that doubled itself again and again is unknown."""
    return value if len(value) < LONGEST else None


def lookup(container: object, key: object) -> object:
    return container.get(key) if isinstance(container, dict) and isinstance(key, str) else None

"""Whether code that was put together still finds all names it uses."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from pyflakes import checker, messages

from syntax.modern import modernise_source
from syntax.normal import key_of
from syntax.python import PARSING, parse_python
from syntax.text import split_lines, with_ends_of


@lru_cache(maxsize=512)
def find_undefined_names(data: bytes) -> frozenset[str]:
    """Return the names that a file uses and nothing defines; none where it does not parse."""
    tree = tree_of(data)
    if tree is None:
        return frozenset()
    # pyflakes parses annotations in quotes by itself: one thread at a time (``syntax/python.py``).
    with PARSING:
        found = checker.Checker(tree).messages
    kinds = (messages.UndefinedName, messages.UndefinedLocal)
    return frozenset(str(m.message_args[0]) for m in found if isinstance(m, kinds))


@lru_cache(maxsize=64)
def tree_of(data: bytes) -> ast.Module | None:
    """Parse a file."""
    return parse_python(data)


class Names:
    """Which names today's files take from one another.

    By their last parts alone, and without types: what ``item.total`` is, only running tells. So
    what is not used may look as if it were, and stays where it could have gone. The other mistake
    would cost more: a bug that breaks every import.
    """

    def __init__(self, files: Mapping[str, bytes], others: Mapping[str, bytes]) -> None:
        self._files = files
        self._imported: dict[str, set[str]] = {}
        """Name to the files that import it from somewhere."""
        self._modules: dict[str, set[str]] = {}
        """Last part of a module's name to the files that import it, or something of that name."""
        self._attributes: dict[str, set[str]] = {}
        self._defined: dict[str, set[str]] = {}
        self._bases: dict[str, set[str]] = {}
        self._methods: set[tuple[str, str]] = set()
        for path, data in {**others, **files}.items():
            tree = tree_of(data)
            if tree is not None:
                self._index_file(path, tree)

    def _index_file(self, path: str, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._imported.setdefault(alias.name, set()).add(path)
            elif isinstance(node, ast.Attribute):
                self._attributes.setdefault(node.attr, set()).add(path)
            elif isinstance(node, ast.ClassDef):
                names = {last_name(base) for base in node.bases} - {"object"}
                self._bases.setdefault(node.name, set()).update(names)
        for name in imported_modules(tree):
            self._modules.setdefault(name, set()).add(path)
        if path in self._files:
            self._defined[path] = top_names(tree)
            self._methods |= members(tree)

    def imports_module(self, path: str, files: Mapping[str, bytes | None]) -> bool:
        """Say whether any file imports a module by its own name once ``files`` are changed."""
        place = PurePosixPath(path)
        name = place.parent.name if place.stem == "__init__" else place.stem
        for user in self._modules.get(name, set()) - {path}:
            if user not in files:
                return True
            content = files[user]
            tree = None if content is None else tree_of(content)
            if tree is not None and name in imported_modules(tree):
                return True
        return False

    def provides(self, module: str, name: str) -> bool:
        """Say whether a module of today's code defines a name."""
        last = module.rpartition(".")[2]
        return any(
            name in names
            for path, names in self._defined.items()
            if PurePosixPath(path).stem == last or PurePosixPath(path).parent.name == last
        )

    def find_lost_names(self, files: Mapping[str, bytes | None]) -> set[str]:
        """Return what files no longer define though it is used; methods with their class."""
        found: set[str] = set()
        for path, content in files.items():
            before = self._files.get(path)
            after = None if content is None else tree_of(content)
            old = None if before is None else tree_of(before)
            if old is None or after is None:
                continue
            for name in top_names(old) - top_names(after):
                # A star import fails for what ``__all__`` names, though no file here names it.
                if self._imported.get(name, set()) - {path} or name in read_exported_names(after):
                    found.add(name)
            kept = members(after)
            classes = top_names(after)
            for owner, name in members(old) - kept:
                # A class that is gone is missed by its own name. An override that is gone is
                # inherited: to take it out may be all that there is to undo.
                if owner not in classes or self._inherits(owner, name):
                    continue
                # Where another class has one of that name, ``x.name`` may mean that one;
                # ``self.name`` in the class itself cannot.
                others = any(other == name for _, other in kept)
                if asks_itself(after, owner, name) or (
                    not others and self._is_attribute_used(name, files)
                ):
                    found.add(f"{owner}.{name}")
        return found

    def _inherits(self, owner: str, name: str) -> bool:
        """Say whether a class has a method from another one of today's."""
        # Classes are told apart by name alone, so that one may seem its own ancestor.
        seen, left = {owner}, list(self._bases.get(owner, ()))
        while left:
            base = left.pop()
            if (base, name) in self._methods:
                return True
            bases = self._bases.get(base, set())
            left += bases - seen
            seen |= bases
        return False

    def _is_attribute_used(self, name: str, files: Mapping[str, bytes | None]) -> bool:
        """Say whether source that stays still reaches for an attribute."""
        # Python itself reaches for those, and ``object`` has most of them.
        if name.startswith("__"):
            return False
        for user in self._attributes.get(name, ()):
            content = files.get(user, self._files.get(user))
            if content is None:
                continue
            tree = tree_of(content)
            if tree is not None and any(
                isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(tree)
            ):
                return True
        return False


def imported_modules(tree: ast.Module) -> set[str]:
    """Return the last part of each name that may be a module's and is imported."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").rpartition(".")[2])
            # ``from package import module`` looks as the import of any other name does.
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.rpartition(".")[2] for alias in node.names}
    return found


def top_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds in its own scope, imports included."""
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            # The branches of ``if`` and ``try`` bind in the scope of the module; what a definition
            # or a lambda holds does not.
            elif not isinstance(node, ast.Lambda):
                stack.append(node)
    return found


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name, as a base class is known by."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def asks_itself(tree: ast.Module, owner: str, name: str) -> bool:
    """Say whether a class reaches for an attribute of its own."""
    return any(
        isinstance(inner, ast.Attribute)
        and inner.attr == name
        and isinstance(inner.value, ast.Name)
        and inner.value.id in ("self", "cls")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == owner
        for inner in ast.walk(node)
    )


def members(tree: ast.Module) -> set[tuple[str, str]]:
    """Return the methods of all classes, as class and name."""
    return {
        (node.name, each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@lru_cache(maxsize=64)
def normal_form_of(data: bytes) -> object:
    """Return the normal form of a file; its bytes where it is no Python of today."""
    tree = tree_of(data)
    return data if tree is None else key_of(tree)


def read_exported_names(tree: ast.Module) -> set[str]:
    """Return the texts of ``__all__``."""
    return {
        element.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        and isinstance(node.value, ast.List | ast.Tuple)
        for element in node.value.elts
        if isinstance(element, ast.Constant) and isinstance(element.value, str)
    }


def missing_imports(
    content: bytes, absent: Iterable[str], sources: Iterable[bytes], names: Names
) -> bytes:
    """Add the imports by which the old sources had names that are absent now."""
    wanted = set(absent)
    lines: list[bytes] = []
    for source in sources:
        # A fix of years ago may be in Python 2, which is made today's before it is read.
        tree = tree_of(source) or tree_of(modernise_source(source))
        for node in ast.walk(tree) if tree is not None else ():
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for alias in node.names:
                bound = (alias.asname or alias.name).partition(".")[0]
                if bound in wanted and importable(node, alias, names):
                    wanted.discard(bound)
                    lines.append(import_line(node, alias))
    tree = tree_of(content)
    if not lines or tree is None:
        return content
    at = place_of_imports(tree)
    parts = split_lines(content)
    return b"".join([*parts[:at], *(with_ends_of(content, line) for line in lines), *parts[at:]])


def importable(node: ast.Import | ast.ImportFrom, alias: ast.alias, names: Names) -> bool:
    """Say whether an old import would succeed today: the standard library, or our own names."""
    if isinstance(node, ast.Import):
        return alias.name.partition(".")[0] in sys.stdlib_module_names
    module = node.module or ""
    if node.level == 0 and module.partition(".")[0] in sys.stdlib_module_names:
        return True
    return names.provides(module, alias.name)


def import_line(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bytes:
    """Write an import of one name."""
    one: ast.stmt
    if isinstance(node, ast.Import):
        one = ast.Import(names=[alias])
    else:
        one = ast.ImportFrom(module=node.module, names=[alias], level=node.level)
    return ast.unparse(one).encode() + b"\n"


def place_of_imports(tree: ast.Module) -> int:
    """Return the number of lines after which an import can be added."""
    at = 0
    for number, node in enumerate(tree.body):
        first = number == 0 and isinstance(node, ast.Expr)
        if first or isinstance(node, ast.Import | ast.ImportFrom):
            at = node.end_lineno or at
        elif not (isinstance(node, ast.If | ast.Try | ast.Assign) and at == 0):
            break
    return at

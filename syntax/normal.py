"""Python code in a normal form, where what formatters, annotations and age change is the same.

Two statements have the same key when they differ only in layout, quotes, annotations, docstrings,
the way a string is formatted, or idioms of Python 2 that have one successor.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Mapping
from typing import Any

NAMES = {
    "unicode": "str",
    "basestring": "str",
    "text_type": "str",
    "string_types": "str",
    "integer_types": "int",
    "long": "int",
    "xrange": "range",
    "range_type": "range",
    "unichr": "chr",
    "izip": "zip",
    "imap": "map",
    "IOError": "OSError",
    "EnvironmentError": "OSError",
}
"""Names of Python 2, or of its bridges, and what they became."""
PERCENT = re.compile(r"%(?:%|(?:\((\w+)\))?([#0\- +]*\d*(?:\.\d+)?)([sridfxXgeo]))")
NEGATED = {"In": "NotIn", "Is": "IsNot", "Eq": "NotEq"}

Key = Any
"""What can be compared and hashed; of statements a hash, which holds within one process."""


def is_docstring(node: ast.AST) -> bool:
    """Say whether a statement is a string and nothing else."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def key_of(node: object, names: Mapping[str, str] | None = None) -> Key:
    """Return the normal form of a node, with local names replaced by ``names``."""
    return Keys(names or {}).of(node)


class Keys:
    """Turns nodes into keys."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._known: dict[ast.stmt, int] = {}

    def of(self, node: object) -> Key:
        """Return the key of a node, a list of them, or a value."""
        if isinstance(node, list):
            return tuple(self.of(each) for each in node if not isinstance(each, ast.TypeIgnore))
        if not isinstance(node, ast.AST):
            return (type(node).__name__, node) if node is not None else None
        if isinstance(node, ast.stmt):
            return self._statement(node)
        return self._of(node)

    def _statement(self, node: ast.stmt) -> int:
        """Return the hash of a statement's key: what holds it is compared by that alone."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = hash(self._of(node))
        return found

    def _of(self, node: ast.AST) -> Key:
        special = getattr(self, f"_{type(node).__name__}", None)
        found = special(node) if special is not None else None
        return self._plain(node) if found is None else found

    def name(self, name: str) -> str:
        """Return what a name is in the normal form."""
        return NAMES.get(name) or self._names.get(name, name)

    def _plain(self, node: ast.AST) -> Key:
        return (
            type(node).__name__,
            *(self.of(getattr(node, field, None)) for field in node._fields if field != "ctx"),
        )

    def _Name(self, node: ast.Name) -> Key:  # noqa: N802
        return ("Name", self.name(node.id))

    def _Constant(self, node: ast.Constant) -> Key:  # noqa: N802
        return ("Constant", type(node.value).__name__, repr(node.value))

    def _arg(self, node: ast.arg) -> Key:
        return ("arg", self.name(node.arg))

    def _AnnAssign(self, node: ast.AnnAssign) -> Key:  # noqa: N802
        if node.value is None:
            return ("Annotated", self.of(node.target))
        return ("Assign", (self.of(node.target),), self.of(node.value))

    def _Assign(self, node: ast.Assign) -> Key:  # noqa: N802
        return ("Assign", self.of(node.targets), self.of(node.value))

    def _FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Key:  # noqa: N802
        return (*self.head(node), self.body(node.body))

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node: ast.ClassDef) -> Key:  # noqa: N802
        return (*self.head(node), self.body(node.body))

    def _Module(self, node: ast.Module) -> Key:  # noqa: N802
        return ("Module", self.body(node.body))

    def head(self, node: ast.AST) -> Key:
        """Return the key of a definition without its body."""
        if isinstance(node, ast.ClassDef):
            bases = [b for b in node.bases if not (isinstance(b, ast.Name) and b.id == "object")]
            parts = (self.of(bases), self.of(node.keywords))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = (self.of(node.args), None)
        else:
            return None
        return (type(node).__name__, node.name, self.of(node.decorator_list), *parts)

    def body(self, body: list[ast.stmt]) -> Key:
        """Return the key of statements, docstrings left out."""
        return self.of([each for each in body if not is_docstring(each)])

    def _Call(self, node: ast.Call) -> Key | None:  # noqa: N802
        function = node.func
        if isinstance(function, ast.Name):
            if function.id == "super":
                return ("Call", ("Name", "super"), (), ())
            if function.id == "cast" and len(node.args) == 2:
                return self.of(node.args[1])
            if function.id == "set" and len(node.args) == 1 and not node.keywords:
                only = node.args[0]
                if isinstance(only, ast.List | ast.Tuple) and only.elts:
                    return ("Set", self.of(only.elts))
            if function.id in ("iteritems", "itervalues", "iterkeys") and len(node.args) == 1:
                method = function.id.removeprefix("iter")
                return ("Call", ("Attribute", self.of(node.args[0]), ("str", method)), (), ())
        if isinstance(function, ast.Attribute):
            if function.attr == "cast" and len(node.args) == 2 and is_typing(function.value):
                return self.of(node.args[1])
            if function.attr in ("iteritems", "itervalues", "iterkeys") and not node.args:
                method = function.attr.removeprefix("iter")
                return ("Call", ("Attribute", self.of(function.value), ("str", method)), (), ())
            if function.attr == "format" and isinstance(function.value, ast.Constant):
                return self._make_format_key(node, function.value.value)
        return None

    def _make_format_key(self, node: ast.Call, template: object) -> Key | None:
        """``"{}".format(x)`` as the f-string it could be."""
        if not isinstance(template, str) or any(k.arg is None for k in node.keywords):
            return None
        if any(isinstance(each, ast.Starred) for each in node.args):
            return None
        named = {k.arg: k.value for k in node.keywords}
        parts: list[Key] = []
        number = 0
        try:
            for text, field, spec, conversion in string.Formatter().parse(template):
                if text:
                    parts.append(text)
                if field is None:
                    continue
                if field == "":
                    field, number = str(number), number + 1
                value = node.args[int(field)] if field.isdigit() else named[field]
                parts.append((self.of(value), conversion or "", spec or ""))
        except (ValueError, KeyError, IndexError):
            return None
        return ("Text", join_texts(parts))

    def _JoinedStr(self, node: ast.JoinedStr) -> Key:  # noqa: N802
        parts: list[Key] = []
        for each in node.values:
            if isinstance(each, ast.Constant):
                parts.append(str(each.value))
            elif isinstance(each, ast.FormattedValue):
                conversion = chr(each.conversion) if each.conversion > 0 else ""
                spec = each.format_spec
                plain = (
                    "".join(str(v.value) for v in spec.values if isinstance(v, ast.Constant))
                    if isinstance(spec, ast.JoinedStr)
                    and all(isinstance(v, ast.Constant) for v in spec.values)
                    else ""
                    if spec is None
                    else self.of(spec.values)  # type: ignore[attr-defined]
                )
                parts.append((self.of(each.value), conversion, plain))
        return ("Text", join_texts(parts))

    def _BinOp(self, node: ast.BinOp) -> Key | None:  # noqa: N802
        """``"%s" % x`` as the f-string it could be."""
        left, right = node.left, node.right
        if not (isinstance(node.op, ast.Mod) and isinstance(left, ast.Constant)):
            return None
        if not isinstance(left.value, str):
            return None
        many = isinstance(right, ast.Tuple)
        values = list(right.elts) if isinstance(right, ast.Tuple) else [right]
        parts: list[Key] = []
        at = 0
        template = left.value
        for match in PERCENT.finditer(template):
            parts.append(template[at : match.start()])
            at = match.end()
            if match[0] == "%%":
                parts.append("%")
                continue
            if match[1] or not values or isinstance(values[0], ast.Starred):
                return None
            conversion = {"r": "r"}.get(match[3], "")
            spec = "" if match[3] in "sri" and not match[2] else match[2] + match[3]
            spec = "" if spec == "d" else spec
            parts.append((self.of(values.pop(0)), conversion, spec))
        if values or (not many and isinstance(right, ast.Dict)):
            return None
        return ("Text", join_texts([*parts, template[at:]]))

    def _UnaryOp(self, node: ast.UnaryOp) -> Key | None:  # noqa: N802
        """``not a in b`` as ``a not in b``."""
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            other = NEGATED.get(type(inner.ops[0]).__name__)
            if other is not None:
                return ("Compare", self.of(inner.left), ((other,),), self.of(inner.comparators))
        return None


def join_texts(parts: list[Key]) -> Key:
    """Join texts that follow one another."""
    found: list[Key] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def is_typing(node: ast.expr) -> bool:
    """Say whether a name is one under which ``typing`` goes."""
    return isinstance(node, ast.Name) and node.id in ("t", "typing", "te", "T")

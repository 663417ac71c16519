"""Does a change of a Python file change what it does, or only how it looks and what it says?"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Literal

from syntax.python import parse_python

Kind = Literal["logic", "docs", "formatting"]
SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SILENT = re.compile(
    rb"#[^\n]*+"
    rb"|\b[a-zA-Z]{1,2}(?=[\"'])"
    rb'|"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?'
    rb"|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?"
    rb'|"(?:[^"\\\n]|\\.)*+"?'
    rb"|'(?:[^'\\\n]|\\.)*+'?",
    re.S,
)
"""Comments and strings."""
WORD = re.compile(rb"\w+|[^\w\s(),;\\]")
"""What no formatter adds or takes away."""


def kind_of(before: bytes, after: bytes) -> Kind:
    """Say what a change touches: docstrings are docs; comments and layout are formatting.

    What this Python cannot parse is logic: nobody can tell.
    """
    if _words(before) != _words(after):
        return "logic"
    one, other = _parse_module(before), _parse_module(after)
    if one is None or other is None or not _same(one, other, strings=False):
        return "logic"
    return "formatting" if _same(one, other, strings=True) else "docs"


@lru_cache(maxsize=8)
def _words(source: bytes) -> list[bytes]:
    """Return names and operators: where they differ the logic does, and nothing need be parsed."""
    return WORD.findall(SILENT.sub(b" ", source))


@lru_cache(maxsize=8)
def _parse_module(source: bytes) -> ast.Module | None:
    return parse_python(source)


def _same(one: object, other: object, *, strings: bool) -> bool:
    """Compare two syntax trees; docstrings only with ``strings``. Ends at the first difference."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, ast.AST):
            left, right = _fields(left, strings), _fields(right, strings)
        if isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pairs += zip(left, right, strict=True)
        elif left != right:
            return False
    return True


def _fields(node: object, strings: bool) -> list[object]:
    fields = {name: getattr(node, name, None) for name in getattr(node, "_fields", ())}
    fields.pop("kind", None)
    if isinstance(node, SCOPES) and not strings and ast.get_docstring(node, clean=False):
        fields["body"] = node.body[1:]
    return list(fields.values())

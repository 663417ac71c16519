"""Python source as a syntax tree of the standard library, from any thread.

CPython keeps the depth of the tree that it hands over in one place for all threads; when another
thread comes in between (a finaliser is enough), it raises SystemError: "AST constructor recursion
depth mismatch" (python/cpython#106905). So one thread parses at a time.
"""

from __future__ import annotations

import ast
import warnings
from threading import RLock

PARSING = RLock()
"""Held while the standard library makes a syntax tree."""


def parse_python(source: str | bytes) -> ast.Module | None:
    """Parse a source without a word about its mistakes; None for what this Python cannot read."""
    with PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def parse_expression(source: str) -> ast.Expression:
    """Parse one expression. Raises SyntaxError."""
    with PARSING:
        return ast.parse(source, mode="eval")

"""Parse a repository's Python without running it, and without a word about its mistakes."""

from __future__ import annotations

import ast
import warnings


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a source; one that this Python cannot read counts as empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module(body=[], type_ignores=[])

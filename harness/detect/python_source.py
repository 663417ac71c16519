"""Parse a repository's Python without running it, and without a word about its mistakes."""

from __future__ import annotations

import ast

from syntax.python import parse_python


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a source; one that this Python cannot read counts as empty."""
    return parse_python(source) or ast.Module(body=[], type_ignores=[])

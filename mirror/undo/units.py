"""What a merge by statement is made of: the single things that a fix changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syntax.blocks import DEFINITIONS, IMPORTS, Statement
from syntax.splices import Splice

VERSIONS = frozenset({"__version__", "__version_info__", "version", "version_info", "VERSION"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeUnit:
    """One thing the fix changed, and how it is undone in today's code."""

    entity: str
    """Qualified name of the definition that holds it, in the fixed version."""
    size: int
    """How many statements it changes; imports and docstrings count nothing."""
    path: str = ""
    splices: tuple[Splice, ...] = ()
    why: str = ""
    """Why it cannot be undone: ``gone`` or ``conflict``; empty when it can."""
    removes: tuple[str, ...] = ()
    """Definitions that would be no more; methods with their class."""
    binds: frozenset[str] = frozenset()
    """Names that the statements bind which it takes out."""


def is_aside(statement: Statement) -> bool:
    """Say whether a statement is no part of a fix: an import, or the version of a release."""
    # An import of the fix may be in use elsewhere by now, so it stays; one that is needed again
    # comes back when all is put together. A release's version is no part of any behaviour.
    if statement.kind in IMPORTS:
        return True
    node = statement.node
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in VERSIONS for target in node.targets
    )


def find_assigned_names(run: Sequence[Statement]) -> frozenset[str]:
    """Return the names that statements assign, those of definitions left out."""
    return frozenset(
        node.id
        for one in run
        if one.kind not in DEFINITIONS
        for node in ast.walk(one.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def parts_of(run: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Yield definitions one by one, and what is between them together."""
    part: list[Statement] = []
    for each in run:
        if each.kind in DEFINITIONS:
            if part:
                yield part
            yield [each]
            part = []
        else:
            part.append(each)
    if part:
        yield part

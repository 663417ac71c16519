"""What a GraphQL query could give, and what it costs, counted as GitHub documents it.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    value_from_ast_untyped,
)

MOST_NODES = 500_000
MOST_ENTRIES = 100


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of one query."""

    nodes: int
    requests: int
    """What it would take to ask for each connection by itself."""

    @property
    def cost(self) -> int:
        """Points: requests by the hundred, one at least."""
        return max(1, round(self.requests / 100))


def size_of(document: DocumentNode, variables: Mapping[str, Any]) -> Size:
    """Return the size of a query: lists in lists are multiplied.

    Raises GraphQLError when a list is asked for without bounds, or beyond them.
    """
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    nodes = requests = 0

    def walk(selections: SelectionSetNode | None, times: int) -> None:
        nonlocal nodes, requests
        for one in selections.selections if selections else ():
            if isinstance(one, FragmentSpreadNode):
                walk(fragments[one.name.value].selection_set, times)
            elif isinstance(one, InlineFragmentNode):
                walk(one.selection_set, times)
            elif isinstance(one, FieldNode):
                entries = _entries(one, variables)
                if entries is not None:
                    nodes += times * entries
                    requests += times
                walk(one.selection_set, times * (entries or 1))

    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            walk(one.selection_set, 1)
    return Size(nodes=nodes, requests=requests)


def _entries(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    given = {argument.name.value: argument.value for argument in field.arguments or ()}
    bound = given.get("first") or given.get("last")
    if bound is None:
        wants = {s.name.value for s in _fields(field.selection_set)}
        if wants & {"nodes", "edges"}:
            raise GraphQLError(
                f"You must provide a `first` or `last` value to properly paginate the "
                f"`{field.name.value}` connection.",
                extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
            )
        return None
    entries = int(value_from_ast_untyped(bound, dict(variables)))
    if not 1 <= entries <= MOST_ENTRIES:
        raise GraphQLError(
            f"Requesting {entries} records on the `{field.name.value}` connection exceeds the "
            f"`first` limit of {MOST_ENTRIES} records.",
            extensions={"type": "EXCESSIVE_PAGINATION"},
        )
    return entries


def _fields(selections: SelectionSetNode | None) -> list[FieldNode]:
    found = selections.selections if selections else ()
    return [one for one in found if isinstance(one, FieldNode)]

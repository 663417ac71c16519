"""GraphQL: a query is validated against GitHub's schema and executed on the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    execute_sync,
    parse,
    validate,
)

from tests.furniture.github_world.counting import MOST_NODES, Size, size_of
from tests.furniture.github_world.view import View

Resolver = Callable[..., Any]
FIELDS: dict[tuple[str, str], Resolver] = {}
"""From type and field to what gives it: ``(object, view, **arguments)``."""
TYPES: dict[type, Callable[[Any], str]] = {}
"""From a class of the world to the name of the GraphQL type it is."""

FORBIDDEN_SIZE = (
    "This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of "
    "{most:,}."
)


def fields(typename: str, **resolvers: Resolver) -> None:
    """Register what gives the fields of a type."""
    FIELDS.update({(typename, name): one for name, one in resolvers.items()})


def not_found(message: str) -> GraphQLError:
    """Return the error for what is not there, or not to be seen."""
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


def answer(view: View, body: Mapping[str, Any]) -> tuple[dict[str, Any], Size | None]:
    """Return what GitHub answers to a query (always with 200), and the size of the query."""
    schema = view.world.descriptions.graphql
    variables = body.get("variables") or {}
    try:
        document = parse(body["query"])
        errors = validate(schema, document)
    except GraphQLSyntaxError as wrong:
        errors = [wrong]
    if errors:
        for error in errors:
            view.world.complain(f"GraphQL: {error.message}")
        return {"errors": [_error(error) for error in errors]}, None
    try:
        size = size_of(document, variables)
        if size.nodes > MOST_NODES:
            text = FORBIDDEN_SIZE.format(nodes=size.nodes, most=MOST_NODES)
            raise GraphQLError(text, extensions={"type": "MAX_NODE_LIMIT_EXCEEDED"})
    except GraphQLError as refused:
        return {"errors": [_error(refused)]}, None
    done = _executed(view, document, variables)
    said: dict[str, Any] = {"data": done.data}
    if done.errors:
        said["errors"] = [_error(error) for error in done.errors]
        for error in done.errors:
            if "type" not in (error.extensions or {}):
                view.world.complain(f"GraphQL {error.path}: {error.message}")
    return said, size


def _executed(view: View, document: DocumentNode, variables: Mapping[str, Any]) -> ExecutionResult:
    return execute_sync(
        view.world.descriptions.graphql,
        document,
        context_value=view,
        variable_values=dict(variables),
        field_resolver=_resolve,
        type_resolver=lambda value, *_: TYPES[type(value)](value),
    )


def _resolve(source: Any, info: GraphQLResolveInfo[View], **arguments: Any) -> Any:
    resolver = FIELDS.get((info.parent_type.name, info.field_name))
    if resolver is None:
        raise NotImplementedError(f"no {info.parent_type.name}.{info.field_name} in this world")
    return resolver(source, info.context, **arguments)


def _error(error: GraphQLError) -> dict[str, Any]:
    said: dict[str, Any] = {"message": error.message}
    if error.path:
        said["path"] = error.path
    if error.locations:
        said["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    kind = (error.extensions or {}).get("type")
    return {"type": kind, **said} if kind else said

"""What GitHub says of itself: its GraphQL schema, its OpenAPI description, and its webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import GraphQLScalarType, GraphQLSchema, build_schema

from tests.furniture.github_world.openapi import OpenApi
from tests.furniture.github_world.webhooks import Webhooks
from tests.furniture.npm import NpmFile

GRAPHQL = NpmFile(
    package="@octokit/graphql-schema",
    version="15.26.1",
    integrity="sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5f"
    "QAUT+Oqq7hWTraMA==",
    member="package/schema.graphql",
)
OPENAPI = NpmFile(
    package="@octokit/openapi",
    version="23.0.2",
    integrity="sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AH"
    "zLUVRBXGDhg==",
    member="package/generated/api.github.com.json",
)
WEBHOOKS = NpmFile(
    package="@octokit/webhooks-schemas",
    version="7.6.1",
    integrity="sha512-qW0Bwtb76r4m2WzVhKDyfEeEnt1GEQoRjkCqmq2ZeB0nNVDJ+Z2LBDS9FDPyduuMXf"
    "/ZTWiCJp9PFFHgRfBe3A==",
    member="package/schema.json",
)
EXAMPLES = NpmFile(
    package="@octokit/webhooks-examples",
    version="7.6.1",
    integrity="sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d"
    "+Ps1WbfHlso6MynQ==",
    member="package/api.github.com/index.json",
)

SCALARS = {
    "DateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "GitObjectID": r"[0-9a-f]{40}",
    "URI": r"https?://\S+",
}
"""Custom scalars whose form GraphQL itself does not check."""


@dataclass(frozen=True)
class Descriptions:
    """All of it, ready to check against."""

    graphql: GraphQLSchema
    openapi: OpenApi
    webhooks: Webhooks


@cache
def load() -> Descriptions:
    """Return the descriptions, fetched where they are not in the cache.

    Raises OSError or ValueError when they cannot be had.
    """
    source = GRAPHQL.fetch().read_text()
    schema = build_schema(source, assume_valid=True, no_location=True)
    for name, pattern in SCALARS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        # Its name in graphql-core 3.2, and since 3.3.
        check = _checked(name, re.compile(pattern))
        vars(scalar).update(serialize=check, coerce_output_value=check)
    return Descriptions(
        schema,
        OpenApi(json.loads(OPENAPI.fetch().read_bytes())),
        Webhooks(
            json.loads(WEBHOOKS.fetch().read_bytes()), json.loads(EXAMPLES.fetch().read_bytes())
        ),
    )


def _checked(name: str, pattern: re.Pattern[str]) -> Callable[[Any], Any]:
    def serialize(value: Any) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise TypeError(f"{value!r} is no {name}")
        return value

    return serialize

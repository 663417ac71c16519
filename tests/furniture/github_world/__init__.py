"""A small GitHub for tests, over loopback: it may not invent.

GraphQL runs on GitHub's own schema, REST is checked against GitHub's OpenAPI description, and
code is in real git repositories. What is not in those descriptions, or is not built here, is a
complaint, and a world with complaints fails its test. A module for each concern: a new part of
GitHub is a new module that registers its REST routes (`rest.route`) and GraphQL fields
(`graph.FIELDS`).
"""

from tests.furniture.github_world.apps import App, Grant, Installation
from tests.furniture.github_world.calling import Answered, call
from tests.furniture.github_world.clients import client_of
from tests.furniture.github_world.code import Code
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import (
    Fault,
    bad_gateway,
    graphql_limited,
    lost,
    primary_limit,
    secondary_limit,
)
from tests.furniture.github_world.serving import github_world
from tests.furniture.github_world.state import Change, Issue, Pull, Repository, User
from tests.furniture.github_world.world import TOKEN, World

__all__ = [
    "TOKEN",
    "Answered",
    "App",
    "Change",
    "Code",
    "Descriptions",
    "Fault",
    "Grant",
    "Installation",
    "Issue",
    "Pull",
    "Repository",
    "User",
    "World",
    "bad_gateway",
    "call",
    "client_of",
    "github_world",
    "graphql_limited",
    "lost",
    "primary_limit",
    "secondary_limit",
]

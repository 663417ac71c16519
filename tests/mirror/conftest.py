"""A GitHub for the tests of the mirror, and the real client that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from mirror.github.client import GitHub
from storage.store import Store

if TYPE_CHECKING:
    from tests.furniture.github_world import Descriptions, World


@pytest.fixture
async def world(descriptions: Descriptions) -> AsyncIterator[World]:
    """A world with nothing in it."""
    from tests.furniture.github_world import github_world

    async with github_world(descriptions) as world:
        yield world


@pytest.fixture
async def github(world: World) -> AsyncIterator[GitHub]:
    """A client of it, in its time: nobody waits for real."""
    from tests.furniture.github_world import client_of

    async with client_of(world) as github:
        yield github


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    with Store(":memory:") as store:
        yield store

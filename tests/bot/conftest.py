"""A GitHub for the tests of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.furniture.github_world import Descriptions, World


@pytest.fixture
async def world(descriptions: Descriptions) -> AsyncIterator[World]:
    """A world with nothing in it."""
    from tests.furniture.github_world import github_world

    async with github_world(descriptions) as world:
        yield world

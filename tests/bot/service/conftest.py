"""A repository where the App is installed, and the service that is told about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import App, Code, Installation, Repository, World


@pytest.fixture
def app(world: World) -> App:
    return world.app()


@pytest.fixture
def repository(world: World) -> Repository:
    return world.repository("octo/thing")


@pytest.fixture
def code(world: World, repository: Repository, tmp_path: Path) -> Code:
    from tests.furniture.github_world import Code

    made = Code(world, repository, tmp_path)
    made.commit({"a.py": "a = 1\n"}, "Begin")
    return made


@pytest.fixture
def installation(world: World, app: App, code: Code) -> Installation:
    return world.install(app, code.repository)


@pytest.fixture
async def served(
    world: World, app: App, installation: Installation, tmp_path: Path
) -> AsyncIterator[Serving]:
    """The service, which has seen the installation."""
    from tests.bot.service.running import serving

    async with serving(world, tmp_path, app=app) as made:
        await made.told()
        yield made


@pytest.fixture
async def opted(served: Serving, repository: Repository) -> Serving:
    """The service, in whose only repository a maintainer made the label."""
    served.world.create_label(repository, "bugfoundry")
    await served.told()
    return served

"""A repository with the App on it, as the tests of what it sees and writes need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mirror.github.client import GitHub
from mirror.github.hub import Hub
from tests.furniture.github_world import App, Installation, Repository, World, hub_of

NAME = "octo/thing"


@dataclass(frozen=True)
class Installed:
    """The App on one repository."""

    world: World
    app: App
    installation: Installation
    repository: Repository
    hub: Hub

    @property
    def github(self) -> GitHub:
        """The installation's client."""
        return self.hub.installation(self.installation.id)

    def sent(self, method: str, where: str = "") -> int:
        """How many such requests were answered or failed, tokens aside."""
        return sum(
            one.method == method and where in one.path and "access_tokens" not in one.path
            for one in self.world.asked
        )


@asynccontextmanager
async def installed(world: World) -> AsyncIterator[Installed]:
    """A world with the App on one repository."""
    app, repository = world.app(), world.repository(NAME)
    installation = world.install(app, repository)
    async with hub_of(world, app) as hub:
        await hub.token(installation.id)
        yield Installed(world, app, installation, repository, hub)

"""Our own client, set to a world."""

from __future__ import annotations

from mirror.github.client import PATIENCE, GitHub
from mirror.github.hub import Hub
from mirror.github.pace import AT_ONCE
from mirror.github.wire import Wire
from tests.furniture.github_world.apps import App
from tests.furniture.github_world.world import TOKEN, World


def client_of(world: World, *, token: str | None = TOKEN, patience: float = PATIENCE) -> GitHub:
    """Return a client that lives in the world's time: its sleep lets it pass."""
    clock = world.clock
    return GitHub(world.api, token=token, patience=patience, clock=clock.time, sleep=clock.sleep)


def hub_of(
    world: World,
    app: App,
    *,
    patience: float = PATIENCE,
    pem: str = "",
    at_once: int = AT_ONCE,
    wire: Wire | None = None,
) -> Hub:
    """Return the service's way to a world, in the world's time."""
    clock = world.clock
    return Hub(
        world.api,
        app_id=app.client_id,
        private_key=pem or app.pem,
        patience=patience,
        at_once=at_once,
        clock=clock.time,
        sleep=clock.sleep,
        wire=wire,
    )

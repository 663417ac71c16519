"""Our own client, set to a world."""

from __future__ import annotations

from mirror.github.client import PATIENCE, GitHub
from tests.furniture.github_world.world import TOKEN, World


def client_of(world: World, *, token: str | None = TOKEN, patience: float = PATIENCE) -> GitHub:
    """Return a client that lives in the world's time: its sleep lets it pass."""
    clock = world.clock
    return GitHub(world.api, token=token, patience=patience, clock=clock.time, sleep=clock.sleep)

"""Things of the service, made for tests."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.service.base.config import Config
from bot.service.base.scene import Scene
from bot.service.base.store_thread import AsyncStore
from mirror.github.hub import Hub
from tests.furniture.github_world.clock import Clock

SECRET = "It's a Secret to Everybody"


@lru_cache
def private_key() -> str:
    """Return a key as GitHub gives one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def scene_of(
    keeper: AsyncStore, *, clock: Clock | None = None, config: Config | None = None
) -> Scene:
    """Return a scene whose GitHub is never asked."""
    hub = Hub("http://127.0.0.1:9", app_id="1", private_key=private_key())
    time = clock or Clock()
    return Scene(config=config or Config(), keeper=keeper, hub=hub, clock=time.time)

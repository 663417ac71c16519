"""All that `bugfoundry app check` looks at, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from bot.service.base.config import Config, secret
from bot.service.checkup.address import ADDRESS, ask_address
from bot.service.checkup.findings import CheckupFinding, make_unknown, wrong
from bot.service.checkup.github import APP, REACH, ask_github
from bot.service.checkup.machine import (
    KEY,
    MAKE,
    SECRET,
    model_of,
    place_of,
    sandbox_of,
    secrets_of,
)


async def check(
    config: Config, *, clock: Callable[[], float] = time.time
) -> AsyncGenerator[CheckupFinding, None]:
    """Give each thing that was looked at, as it is known."""
    bad: set[str] = set()
    for found in secrets_of(config):
        bad |= {found.what} if found.verdict == "wrong" else set()
        yield found
    for found in place_of(config):
        yield found
    yield await asyncio.to_thread(sandbox_of, config)
    yield model_of()
    if not config.app.id.strip():
        yield wrong(APP, "app.id is not set", f"set it to the number on the App's page; {MAKE}")
    elif KEY in bad:
        yield make_unknown(REACH, "not asked: the private key is needed first")
    else:
        key = secret("private_key", config.app.private_key_file)
        async for found in ask_github(config, key, clock=clock):
            yield found
    if SECRET in bad:
        yield make_unknown(ADDRESS, "not asked: the webhook secret is needed first")
    else:
        yield await ask_address(config, secret("webhook_secret", config.app.webhook_secret_file))

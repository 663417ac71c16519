"""Send a request again while the service is busy: a bounded number of times, as it asks.

The SDK's own retries wait as long as ``retry-after`` says, be it days, and cannot be made to wait
on a clock of the tests; here both are bounded and the clock is given.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from llm.errors import Overloaded
from llm.failures import Failed
from storage.errors import ModelError

Answer = TypeVar("Answer")
Sleep = Callable[[float], Awaitable[None]]

MOST_TRIES = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds. A service that asks for more is given up at once: to ask earlier would be rude."""
JITTER = 0.25


async def send_with_retries(send: Callable[[], Awaitable[Answer]], sleep: Sleep) -> Answer:
    """Return what ``send`` gives, tried again while the service is busy or broken.

    Raises Overloaded when that lasts, ModelError when the service refuses or cannot be reached.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return await send()
        except Failed as error:
            wait = pause(tries) if error.wait is None else error.wait
            if not error.again or tries == MOST_TRIES or wait > LONGEST_WAIT:
                raise (Overloaded if error.busy else ModelError)(str(error)) from error
        await sleep(wait)


def pause(tries: int) -> float:
    """Seconds to wait after a number of tries, where the service does not say: ever longer."""
    return float(FIRST_WAIT * 2 ** (tries - 1) * (1 - JITTER * random.random()))

"""Send a request again while the service is busy: a bounded number of times, as it asks.

The SDK's own retries wait as long as ``retry-after`` says, be it days, and cannot be made to wait
on a clock of the tests; here both are bounded and the clock is given.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import anthropic

from llm.errors import Overloaded
from storage.errors import ModelError

Answer = TypeVar("Answer")
Sleep = Callable[[float], Awaitable[None]]

MOST_TRIES = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds. A service that asks for more is given up at once: to ask earlier would be rude."""
JITTER = 0.25


async def patiently(send: Callable[[], Awaitable[Answer]], sleep: Sleep) -> Answer:
    """Return what ``send`` gives, tried again while the service is busy or broken.

    Raises Overloaded when that lasts, ModelError when the service refuses or cannot be reached.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return await send()
        # What timed out may have been worked on, and would be paid twice.
        except anthropic.APITimeoutError as error:
            raise ModelError("the model's service did not answer in time") from error
        except anthropic.APIStatusError as error:
            if not is_busy(error):
                raise ModelError(f"the model's service refused: {error.status_code}") from error
            wait = pause(tries, error.response.headers)
            if tries == MOST_TRIES or wait > LONGEST_WAIT:
                raise Overloaded(f"the model's service is busy: {error.status_code}") from error
        except anthropic.APIConnectionError as error:
            wait = pause(tries, {})
            if tries == MOST_TRIES:
                raise ModelError("the model's service cannot be reached") from error
        await sleep(wait)


def is_busy(error: anthropic.APIStatusError) -> bool:
    """Say whether the same request may succeed later."""
    told = error.response.headers.get("x-should-retry")
    if told in ("true", "false"):
        return told == "true"
    return error.status_code in (408, 409, 429) or error.status_code >= 500


def pause(tries: int, headers: Mapping[str, str]) -> float:
    """Seconds to wait after a number of tries: what the service asks for, else ever longer."""
    asked = asked_for(headers)
    if asked is not None:
        return asked
    return float(FIRST_WAIT * 2 ** (tries - 1) * (1 - JITTER * random.random()))


def asked_for(headers: Mapping[str, str]) -> float | None:
    """The wait of a ``retry-after`` header, in seconds or as a date; None without one."""
    value = headers.get("retry-after", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)

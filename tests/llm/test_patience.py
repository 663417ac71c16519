"""A busy service is asked again: as it asks, ever later, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from llm.errors import Overloaded
from llm.failures import Failed, read_retry_wait
from llm.patience import MOST_TRIES, send_with_retries
from storage.errors import ModelError
from tests.furniture.messages_api import Scripted, messages_api
from tests.furniture.models import ask, at_once, model


async def waits(*answers: Any) -> tuple[list[float], int]:
    """Ask once; return how long was waited between tries, and how often the service was asked."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with messages_api(*answers) as service:
        assert await ask(model(service, sleep=sleep)) == {"value": 1}
    return waited, len(service.asked)


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_a_busy_service_is_asked_again_ever_later(status: int) -> None:
    waited, asked = await waits(status, status, status, {"value": 1})
    assert asked == 4
    assert 0.75 <= waited[0] <= 1.0 < 1.5 <= waited[1] <= 2.0 < 3.0 <= waited[2] <= 4.0


async def test_what_the_service_asks_for_is_obeyed() -> None:
    waited, _ = await waits(Scripted(status=429, headers={"retry-after": "7"}), {"value": 1})
    assert waited == [7.0]


async def test_a_wait_longer_than_anybody_should_is_not_begun() -> None:
    busy = Scripted(status=429, headers={"retry-after": "86400"})
    async with messages_api(busy) as service:
        with pytest.raises(Overloaded, match="busy: 429"):
            await ask(model(service))
    assert len(service.asked) == 1


async def test_a_service_that_stays_busy_is_given_up_and_costs_nothing() -> None:
    async with messages_api(*[529] * MOST_TRIES, {"value": 1}) as service:
        asked = model(service, budget=0.075)
        with pytest.raises(Overloaded, match="busy: 529"):
            await ask(asked)
        assert len(service.asked) == MOST_TRIES
        assert await ask(asked) == {"value": 1}


async def test_the_service_may_say_that_it_is_no_use() -> None:
    final = Scripted(status=500, headers={"x-should-retry": "false"})
    async with messages_api(final) as service:
        with pytest.raises(ModelError, match="refused: 500"):
            await ask(model(service))
    assert len(service.asked) == 1


async def test_a_service_that_is_not_there_is_tried_and_named() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with messages_api() as service:
        assert service.client is not None
        service.client = service.client.with_options(base_url="http://127.0.0.1:9")
        with pytest.raises(ModelError, match="cannot be reached"):
            await ask(model(service, sleep=sleep))
    assert len(waited) == MOST_TRIES - 1


def test_a_wait_may_be_a_date() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    wait = read_retry_wait({"retry-after": then})
    assert wait is not None
    assert 25 < wait <= 30
    assert read_retry_wait({"retry-after": "soon"}) is None
    assert read_retry_wait({}) is None


async def test_what_timed_out_is_not_asked_again() -> None:
    async with messages_api(Scripted(content={"value": 1}, wait=5)) as service:
        assert service.client is not None
        service.client = service.client.with_options(timeout=0.05)
        with pytest.raises(ModelError, match="in time"):
            await ask(model(service))
    assert len(service.asked) == 1


async def test_a_limit_that_is_used_up_is_waited_for() -> None:
    then = datetime.now(UTC) + timedelta(seconds=20)
    headers = {
        "anthropic-ratelimit-requests-remaining": "3",
        "anthropic-ratelimit-requests-reset": (then + timedelta(hours=9)).isoformat(),
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": then.isoformat().replace("+00:00", "Z"),
    }
    waited, _ = await waits(Scripted(status=429, headers=headers), {"value": 1})
    assert 15 < waited[0] <= 20


def test_milliseconds_come_before_seconds() -> None:
    assert read_retry_wait({"retry-after-ms": "250", "retry-after": "9"}) == 0.25


async def test_what_does_not_help_is_not_tried_again() -> None:
    tries = 0

    async def send() -> None:
        nonlocal tries
        tries += 1
        raise Failed("no", billed=True)

    with pytest.raises(ModelError, match="no"):
        await send_with_retries(send, at_once)
    assert tries == 1

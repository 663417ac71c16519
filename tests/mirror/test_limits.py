"""How long GitHub wants us to wait, read off its answers."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.github.answers import LOST, Answer
from mirror.github.limits import RateLimitGate, pause_after

NOW = 1_700_000_000.0
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
PRIMARY = {"message": "API rate limit exceeded for installation ID 1."}
TIMED_OUT = {
    "errors": [{"message": "Something went wrong while executing your query. This may be …"}]
}


def answer(status: int, data: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, data=data)


def spent(status: int, reset: float, data: Any = PRIMARY) -> Answer:
    return answer(status, data, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(reset)))


LIMITS = {
    "403 with Retry-After": (answer(403, SECONDARY, retry_after="30"), 30),
    "429 with Retry-After": (answer(429, SECONDARY, retry_after="30"), 30),
    "Retry-After goes before the reset": (
        answer(
            403,
            retry_after="5",
            x_ratelimit_remaining="0",
            x_ratelimit_reset=str(int(NOW) + 900),
        ),
        5,
    ),
    "403 until the reset": (spent(403, NOW + 600), 601),
    "429 until the reset": (spent(429, NOW + 600), 601),
    "200 from GraphQL until the reset": (
        spent(200, NOW + 600, {"errors": [{"type": "RATE_LIMITED", "message": "…"}]}),
        601,
    ),
    "200 from GraphQL by its other name": (
        spent(200, NOW + 60, {"errors": [{"type": "RATE_LIMIT", "message": "…"}]}),
        61,
    ),
    "a reset in the past": (spent(403, NOW - 600), 1),
    "nothing to retry after": (answer(429, SECONDARY, retry_after="0"), 1),
    "403 without a hint": (answer(403, SECONDARY), 60),
    "429 without a hint": (answer(429), 60),
    "429 with a reset of a limit that is not spent": (
        answer(429, x_ratelimit_remaining="9", x_ratelimit_reset=str(int(NOW) + 900)),
        60,
    ),
    "a Retry-After that is no number": (answer(429, retry_after="-1e9"), 60),
}


@pytest.mark.parametrize(("limited", "seconds"), LIMITS.values(), ids=LIMITS)
def test_a_limit_is_waited_for_as_it_says(limited: Answer, seconds: float) -> None:
    assert pause_after(limited, now=NOW, attempt=0) == seconds


@pytest.mark.parametrize(
    ("limited", "least"),
    [
        (answer(403, SECONDARY), 60),
        (spent(403, NOW - 600), 1),
        (answer(429, retry_after="0"), 1),
    ],
    ids=["no hint", "reset in the past", "nothing to retry after"],
)
def test_a_limit_that_does_not_end_is_waited_for_ever_longer(limited: Answer, least: int) -> None:
    waits = [pause_after(limited, now=NOW, attempt=n) for n in range(4)]
    assert waits == [least, 2 * least, 4 * least, 8 * least]


@pytest.mark.parametrize(
    "broken",
    [
        answer(502),
        answer(503),
        answer(504),
        answer(LOST),
        answer(200),
        answer(200, TIMED_OUT),
    ],
    ids=["502", "503", "504", "lost", "no JSON", "timed out"],
)
def test_what_fails_there_is_asked_again_soon_and_then_more_rarely(broken: Answer) -> None:
    waits = [pause_after(broken, now=NOW, attempt=n) for n in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64]


def test_a_service_that_says_when_it_is_back_is_believed() -> None:
    assert pause_after(answer(503, retry_after="120"), now=NOW, attempt=0) == 120


@pytest.mark.parametrize(
    "settled",
    [
        answer(200, {"data": {}}),
        answer(304),
        answer(401, {"message": "Bad credentials"}),
        answer(403, {"message": "Resource not accessible by integration"}),
        answer(404, {"message": "Not Found"}),
        answer(200, {"data": None, "errors": [{"type": "NOT_FOUND"}]}),
    ],
    ids=["200", "304", "401", "403 for good", "404", "not found in GraphQL"],
)
def test_what_will_not_change_is_not_asked_again(settled: Answer) -> None:
    assert pause_after(settled, now=NOW, attempt=0) is None


def test_the_answer_that_spends_the_limit_holds_back_what_would_come_next() -> None:
    gate = RateLimitGate()
    gate.note("core", spent(200, NOW + 600, {}), now=NOW, attempt=0)
    assert gate.closed_for("core", NOW) == 601
    assert gate.closed_for("core", NOW + 601) == 0
    assert gate.closed_for("graphql", NOW) == 0


def test_a_limit_holds_back_all_that_ask_the_same_resource() -> None:
    gate = RateLimitGate()
    gate.note("graphql", answer(403, SECONDARY, retry_after="30"), now=NOW, attempt=0)
    assert gate.closed_for("graphql", NOW + 10) == 20


def test_a_reset_in_the_past_closes_nothing() -> None:
    gate = RateLimitGate()
    gate.note("core", spent(200, NOW - 5, {}), now=NOW, attempt=0)
    assert gate.closed_for("core", NOW) == 0

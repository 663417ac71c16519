"""What is tried again, how soon and how often."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from bot.service.base.retries import LONGEST, MOST_BUILDS, retry_in
from storage.errors import (
    ConfigError,
    EnvironmentFailed,
    GitHubBroken,
    GitHubForbidden,
    GitHubGone,
    GitHubLimited,
    GitHubRefused,
)


def wait(error: BaseException, attempts: int = 1) -> float | None:
    return retry_in(error, attempts, chance=random.Random(3))


def test_the_wait_doubles_and_is_spread() -> None:
    waits = [wait(GitHubBroken("502"), attempts) or 0.0 for attempts in range(1, 10)]
    assert all(late > early for early, late in pairwise(waits))
    assert len({wait_by(seed) for seed in range(5)}) == 5


def wait_by(seed: int) -> float | None:
    return retry_in(GitHubBroken("502"), 1, chance=random.Random(seed))


@pytest.mark.parametrize(
    "error", [ConfigError("no key"), GitHubForbidden("no permission"), GitHubGone("410")]
)
def test_what_waiting_does_not_mend_is_not_tried_again(error: Exception) -> None:
    assert wait(error) is None


def test_a_token_that_is_refused_may_be_a_clock_that_is_off_and_is_tried_again() -> None:
    assert wait(GitHubRefused("the clock")) is not None


def test_a_limit_is_waited_for_as_long_as_it_holds() -> None:
    assert (wait(GitHubLimited("limited", seconds=1800)) or 0) >= 1350
    assert (wait(GitHubLimited("limited")) or 0) >= 45


def test_an_environment_is_tried_once_more_and_much_later() -> None:
    assert (wait(EnvironmentFailed("no tests")) or 0) >= LONGEST * 0.75
    assert wait(EnvironmentFailed("no tests"), MOST_BUILDS) is None

"""How often and how soon what failed is tried again."""

from __future__ import annotations

import random

from storage.errors import (
    BugfoundryError,
    ConfigError,
    EnvironmentFailed,
    GitHubForbidden,
    GitHubGone,
    GitHubLimited,
    StoreError,
)

MOST = 10
"""Attempts of a job; the last is about two hours after the first."""
MOST_UNEXPECTED = 3
"""Attempts of a job that ended in an error which nobody foresaw."""
MOST_DEATHS = 10
"""How often a job is begun whose worker was killed; the last comes ten minutes after the first."""
MOST_BUILDS = 2
"""Attempts of a job for which no environment could be built: the index may have been away."""
LASTING = (ConfigError, GitHubForbidden, GitHubGone)
"""What waiting does not mend."""
FIRST = 5.0
LONGEST = 3600.0


def retry_in(error: BaseException, attempts: int, *, chance: random.Random) -> float | None:
    """Return the seconds after which a job is tried again; None when it is not.

    They double with every attempt; chance spreads them, so that what failed together does not come
    back together.
    """
    if isinstance(error, LASTING) or attempts >= most_attempts(error):
        return None
    wait = min(LONGEST, FIRST * 2.0 ** min(attempts - 1, 20))
    if isinstance(error, GitHubLimited):
        wait = max(wait, 60.0, error.seconds)
    if isinstance(error, EnvironmentFailed):
        wait = LONGEST
    return wait * chance.uniform(0.75, 1.25)


def most_attempts(error: BaseException) -> int:
    """Return how often a job that ended in such an error is begun."""
    if isinstance(error, EnvironmentFailed):
        return MOST_BUILDS
    expected = isinstance(error, BugfoundryError | OSError | TimeoutError | StoreError)
    return MOST if expected else MOST_UNEXPECTED

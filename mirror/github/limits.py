"""How long to wait before GitHub is asked again.

GitHub's rule: ``retry-after`` if there is one; else, where ``x-ratelimit-remaining`` is 0, the time
in ``x-ratelimit-reset``; else a minute at least, and exponentially longer each time it fails again.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately
"""

from __future__ import annotations

from mirror.github.answers import Answer, is_broken, is_limited

UNHINTED = 60.0
"""Seconds to wait at least when a limit comes without any hint."""
LONGEST_BACK_OFF = 64.0


def pause_after(answer: Answer, *, now: float, attempt: int) -> float | None:
    """Return the seconds to wait before asking the same again; None when that makes no sense.

    ``attempt`` counts from 0. No pause is shorter than the exponential one, so that a hint of
    nothing (``Retry-After: 0``, a reset in the past) does not become a storm of requests.
    """
    # Bounded: a float of 2**1024 overflows.
    least = float(2 ** min(attempt, 20))
    if is_limited(answer):
        return max(least, hint(answer, now=now, attempt=attempt))
    if is_broken(answer):
        return max(min(least, LONGEST_BACK_OFF), _number(answer, "retry-after") or 0.0)
    return None


def hint(answer: Answer, *, now: float, attempt: int) -> float:
    """Return the seconds that a limited answer asks for."""
    after = _number(answer, "retry-after")
    if after is not None:
        return after
    reset = _number(answer, "x-ratelimit-reset")
    # Every answer has a reset. It means something only where nothing remains: with a secondary
    # limit it is that of the primary one, which is not what was met.
    if reset is not None and answer.headers.get("x-ratelimit-remaining") == "0":
        # A second more: the reset is told in whole seconds.
        return max(reset - now + 1, 0.0)
    return float(UNHINTED * 2 ** min(attempt, 10))


def _number(answer: Answer, header: str) -> float | None:
    text = answer.headers.get(header, "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


class RateLimitGate:
    """Remembers which resource (``core``, ``graphql`` …) is closed until when.

    GitHub counts against those who go on asking while they are limited, so a limit that one
    answer told of holds back every request after it.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def closed_for(self, resource: str, now: float) -> float:
        """Return the seconds until the resource may be asked."""
        return max(self._until.get(resource, 0.0) - now, 0.0)

    def note(self, resource: str, answer: Answer, *, now: float, attempt: int) -> None:
        """Learn from an answer."""
        if is_limited(answer):
            wait = pause_after(answer, now=now, attempt=attempt) or 0.0
            self._until[resource] = max(self._until.get(resource, 0.0), now + wait)
        # A success can spend the last request: who waits now is spared the refusal.
        elif answer.headers.get("x-ratelimit-remaining") == "0":
            reset = _number(answer, "x-ratelimit-reset")
            if reset is not None and reset > now:
                self._until[resource] = reset + 1

"""How one attempt to ask a service can fail, whatever service it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DETAIL_LIMIT = 200
BUSY = frozenset({408, 409, 429})
OVERLOADED = 529
LIMITS = "anthropic-ratelimit-"


class Failed(Exception):
    """An attempt that gave no answer."""

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        busy: bool = False,
        billed: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.again = again
        """The same request may succeed later."""
        self.busy = busy
        self.billed = billed
        """It may have been worked on, and paid for."""
        self.wait = wait
        """Seconds that the service asks to wait; None when it does not say."""


def make_status_failure(status: int, headers: Mapping[str, str], said: str = "") -> Failed:
    """Return the failure of an answer that is an error. These are not billed."""
    told = headers.get("x-should-retry")
    again = told == "true" if told in ("true", "false") else status in BUSY or status >= 500
    said = " ".join(said.split())[:DETAIL_LIMIT]
    words = f"{status} {said}".strip()
    message = f"the model's service {'is busy' if again else 'refused'}: {words}"
    return Failed(
        message, again=again, busy=again, wait=read_retry_wait(headers) if again else None
    )


def read_retry_wait(headers: Mapping[str, str]) -> float | None:
    """The wait that headers ask for, in seconds; None when they do not.

    ``retry-after`` in milliseconds, in seconds or as a date; else the time at which the last of
    the limits that are used up is there again.
    """
    try:
        return max(float(headers.get("retry-after-ms", "")) / 1000, 0.0)
    except ValueError:
        pass
    value = headers.get("retry-after", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return count_seconds_until(parsedate_to_datetime(value))
    except ValueError:
        return read_limit_wait(headers)


def read_limit_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until every limit that is used up is there again; None when none is."""
    waits = []
    for name, value in headers.items():
        if not (name.lower().startswith(LIMITS) and name.lower().endswith("-reset")):
            continue
        if headers.get(f"{name[: -len('reset')]}remaining") != "0":
            continue
        try:
            waits.append(count_seconds_until(datetime.fromisoformat(value)))
        except ValueError:
            continue
    return max(waits, default=None)


def count_seconds_until(then: datetime) -> float:
    """Seconds until a time, 0 when it has passed."""
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)

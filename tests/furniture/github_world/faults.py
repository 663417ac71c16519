"""The fault switch: what goes wrong on the next requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
PRIMARY = "API rate limit exceeded for user ID 1."
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    409: "Conflict",
    410: "Issues are disabled for this repo",
    422: "Validation Failed",
    451: "Repository access blocked",
}
DOCS = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a request in the place of the right thing."""

    status: int | None = 502
    """0 cuts the connection; None is the right answer, with its effect."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    after: bool = False
    """Only after the request had its effect."""
    delay: float = 0.0
    """Real seconds that the answer takes."""
    hangs: bool = False
    """It never comes: the other side has to give up."""
    cut: int | None = None
    """The connection is cut after so many bytes of the body."""


@dataclass
class _Waiting:
    fault: Fault
    times: int
    where: str
    method: str

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.where in path and self.method in ("", method)


class Faults:
    """Faults that are still to come, first in first out."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault, *, times: int = 1, where: str = "", method: str = "") -> None:
        """Let the next requests of a method, whose path contains ``where``, go wrong."""
        self._waiting.append(_Waiting(fault, times, where, method))

    def take(self, method: str, path: str, *, after: bool) -> Fault | None:
        """Return the fault for a request that is at this point."""
        for waiting in self._waiting:
            if waiting.fits(method, path):
                if waiting.fault.after is not after:
                    return None
                waiting.times -= 1
                return waiting.fault
        return None

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._waiting.clear()

    @property
    def left(self) -> int:
        """How many requests are still to go wrong."""
        return sum(waiting.times for waiting in self._waiting)


def bad_gateway(status: int = 502, *, after: bool = False) -> Fault:
    """The answer of GitHub's front when what is behind it fails: a page, no JSON."""
    return Fault(status=status, body="<html><title>Unicorn!</title></html>", after=after)


def lost(*, after: bool = False) -> Fault:
    """No answer: the connection is cut."""
    return Fault(status=0, after=after)


def refused(status: int, message: str = "", *, after: bool = False) -> Fault:
    """An answer of GitHub's own: 401, 403, 404, 409, 410, 422, 451 and so on."""
    text = message or MESSAGES.get(status, "Error")
    return Fault(status=status, body=_message(text, status=str(status)), after=after)


def moved(url: str, status: int = 301) -> Fault:
    """A redirection."""
    body = json.dumps({"message": "Moved Permanently", "url": url, "documentation_url": DOCS})
    return Fault(status=status, headers={"Location": url}, body=body)


def hung(*, after: bool = False) -> Fault:
    """No answer, and the connection stays."""
    return Fault(status=0, hangs=True, after=after)


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault(status=None, delay=seconds)


def cut_off(at: int = 20) -> Fault:
    """The right answer, but the connection is cut in the middle of it."""
    return Fault(status=None, cut=at)


def secondary_limit(status: int = 403, *, retry_after: int | None = None) -> Fault:
    """A secondary limit, with or without a hint."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(status=status, headers=headers, body=_message(SECONDARY))


def primary_limit(status: int = 403, *, reset: float) -> Fault:
    """The primary limit as REST tells of it."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
    return Fault(status=status, headers=headers, body=_message(PRIMARY))


def graphql_limited(*, reset: float, kind: str = "RATE_LIMITED") -> Fault:
    """The primary limit as GraphQL tells of it: in an answer that is 200."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
    body: dict[str, Any] = {"errors": [{"type": kind, "message": PRIMARY}]}
    return Fault(status=200, headers=headers, body=json.dumps(body))


def _message(text: str, **more: str) -> str:
    return json.dumps({"message": text, "documentation_url": DOCS, **more})

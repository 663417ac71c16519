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
DOCS = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer that is given in the place of the right one."""

    status: int = 502
    """0 cuts the connection."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    after: bool = False
    """Only after the request had its effect."""


@dataclass
class _Waiting:
    fault: Fault
    times: int
    where: str
    method: str


class Faults:
    """Faults that are still to come, first in first out."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault, *, times: int = 1, where: str = "", method: str = "") -> None:
        """Let the next requests whose path contains ``where`` go wrong, or those of a method."""
        self._waiting.append(_Waiting(fault, times, where, method))

    def take(self, path: str, method: str, *, after: bool) -> Fault | None:
        """Return the fault for a request that is at this point."""
        for waiting in self._waiting:
            mine = waiting.where in path and waiting.method in ("", method)
            if waiting.times and mine:
                if waiting.fault.after is not after:
                    return None
                waiting.times -= 1
                return waiting.fault
        return None

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


def _message(text: str) -> str:
    return json.dumps({"message": text, "documentation_url": DOCS})

"""What GitHub answers, and what an answer means: no input or output here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from storage.errors import (
    GitHubBroken,
    GitHubError,
    GitHubForbidden,
    GitHubGone,
    GitHubMissing,
    GitHubRefused,
    GitHubRejected,
    GitHubSuspended,
)

LOST = 0
"""The status of an answer that never came."""
TOKEN_NEEDED = "GitHub answers this only to a token; give one in GITHUB_TOKEN"
NO_APP = "Integration not found"
APP_UNKNOWN = "GitHub knows no App of this id; it stands on the App's page"
MISSING = "GitHub knows no {what}, or the token may not see it; check the name"
GONE = "GitHub no longer shows {what}{said}"
SUSPENDED = (
    "GitHub refuses {what}: the App is suspended there, which its owner can end in the settings"
)
BROKEN = "GitHub did not answer {what} ({why}); try again later, what is known so far is kept"
LONGEST = 200
NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="next"')

LIMITED_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
UNSEEN_TYPES = frozenset({"NOT_FOUND", "FORBIDDEN"})
TOO_HEAVY_TYPES = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT"})
TIMED_OUT = "something went wrong while executing your query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer over HTTP. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: Any = None
    """The JSON it carried; None when there was none."""
    size: int = 0
    """Bytes of what it carried."""

    @property
    def date(self) -> float | None:
        """What GitHub's clock said; None when it did not say."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None

    @property
    def next(self) -> str:
        """The address of the next page of a list; empty on the last.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        found = NEXT.search(self.headers.get("link", ""))
        return found[1] if found else ""

    @property
    def message(self) -> str:
        """What GitHub says about it, in one bounded line."""
        said = self.data.get("message") if isinstance(self.data, dict) else ""
        return one_line(said)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What GraphQL found wrong."""
        found = self.data.get("errors") if isinstance(self.data, dict) else None
        return [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []

    @property
    def types(self) -> set[str]:
        return {str(error.get("type", "")) for error in self.errors}


def one_line(text: object) -> str:
    """Return a text of GitHub's as one line of bounded length."""
    return " ".join(str(text or "").split())[:LONGEST]


def is_limited(answer: Answer) -> bool:
    """Tell whether a rate limit, primary or secondary, is why there is no answer.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if answer.status == 429:
        return True
    if answer.status == 403:
        hinted = "retry-after" in answer.headers
        spent = answer.headers.get("x-ratelimit-remaining") == "0"
        return hinted or spent or "rate limit" in answer.message.lower()
    return answer.status == 200 and bool(answer.types & LIMITED_TYPES)


def is_secondary(answer: Answer) -> bool:
    """Tell whether it is a secondary limit that an answer tells of: not the points of an hour."""
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or answer.types & LIMITED_TYPES
    return is_limited(answer) and not spent


def is_broken(answer: Answer) -> bool:
    """Tell whether GitHub, or the way to it, failed: the same question may be answered later."""
    if answer.status in (LOST, 500, 502, 503, 504):
        return True
    if answer.status in (200, 201) and answer.data is None:
        return True
    return any(TIMED_OUT in str(e.get("message", "")).lower() for e in answer.errors)


def find_problem(answer: Answer, what: str, *, refusal: str) -> GitHubError | None:
    """Return why an answer is of no use, in words for a person; None when it is of use.

    ``refusal`` is what to say where it is the token that GitHub does not take.
    """
    if 200 <= answer.status < 300 or answer.status == 304:
        return None
    said = f": {answer.message}" if answer.message else ""
    match answer.status:
        case 401:
            return GitHubRefused(refusal)
        case 403 if "suspended" in answer.message.lower():
            return GitHubSuspended(SUSPENDED.format(what=what))
        case 403:
            return GitHubForbidden(f"GitHub refuses {what}: {answer.message or 'no reason given'}")
        case 404 if answer.message == NO_APP:
            # It is not what was asked for that is missing.
            return GitHubRefused(APP_UNKNOWN)
        case 404:
            return GitHubMissing(MISSING.format(what=what))
        case 410 | 451:
            return GitHubGone(GONE.format(what=what, said=said))
        case 422:
            return GitHubRejected(f"GitHub does not take {what}{said}{_details(answer)}")
    return GitHubError(f"GitHub answered {answer.status} to {what}{said}")


def _details(answer: Answer) -> str:
    """Return what is said of single fields, of which some are named and some told of."""
    told = [str(e.get("message") or f"{e.get('field')} {e.get('code')}") for e in answer.errors]
    return f" ({one_line('; '.join(told))})" if told else ""


def make_broken_error(answer: Answer, what: str) -> GitHubBroken:
    """Return the error for a question that was asked often enough."""
    if answer.status == LOST:
        why = "the connection was lost"
    elif answer.status < 300:
        why = "it timed out there" if answer.errors else "the answer was no JSON"
    else:
        why = str(answer.status)
    return GitHubBroken(BROKEN.format(what=what, why=why))


def data_of(answer: Answer, what: str) -> dict[str, Any]:
    """Return what a GraphQL query gave. What the token may not see is null there.

    Raises GitHubBroken when the query was too heavy, GitHubRejected when it was wrong.
    """
    data = answer.data.get("data") if isinstance(answer.data, dict) else None
    if answer.types & TOO_HEAVY_TYPES:
        raise GitHubBroken(BROKEN.format(what=what, why="the query is too heavy"))
    if isinstance(data, dict) and answer.types <= UNSEEN_TYPES:
        return data
    said = one_line(answer.errors[0].get("message")) if answer.errors else "no data"
    raise GitHubRejected(f"GitHub does not take the query for {what}: {said}")

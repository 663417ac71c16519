"""Rate limits, primary and secondary: what each identity has spent, and what was refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

HOUR = 3600
LIMIT = {"core": 5000, "graphql": 5000}
ANONYMOUS = {"core": 60, "graphql": 0}
MOST = 12_500
FREE_REPOSITORIES = 20
EACH_REPOSITORY = 50
MOST_AT_ONCE = 100
CONTENT = {60: 80, HOUR: 500}
"""Content-creating requests in so many seconds."""
CREATING = ("POST", "PUT", "PATCH")
POINTS = {"core": 900, "graphql": 2000}
"""Points in a minute: a read is 1, a write 5."""


@dataclass
class Rate:
    """One identity's limit on one resource."""

    resource: str
    limit: int
    reset: float
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    def headers(self) -> dict[str, str]:
        """Return what every answer carries."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(int(self.reset)),
            "X-RateLimit-Resource": self.resource,
        }


@dataclass
class Rates:
    """All of them. A window begins with the first request in it.

    A test asserts on ``tripped``, ``most_at_once``, ``most_content`` and ``most_points``.
    """

    tripped: list[str] = field(default_factory=list)
    """Secondary limits that were run into, each time."""
    most_at_once: int = 0
    at_once: int = 0
    most_content: dict[int, int] = field(default_factory=lambda: dict.fromkeys(CONTENT, 0))
    """The most content-creating requests of one identity in so many seconds."""
    most_points: dict[str, int] = field(default_factory=lambda: dict.fromkeys(POINTS, 0))
    """The most points of one identity in a minute."""
    _points: dict[tuple[str, str], deque[tuple[float, int]]] = field(default_factory=dict)
    _rates: dict[tuple[str, str], Rate] = field(default_factory=dict)
    _content: dict[str, deque[float]] = field(default_factory=dict)

    def of(
        self, key: str, resource: str, *, now: float, repositories: int = 0, usual: int = 0
    ) -> Rate:
        """Return the rate that holds now; an installation's grows with its repositories."""
        known = self._rates.get((key, resource))
        if known is None or now >= known.reset:
            more = max(repositories - FREE_REPOSITORIES, 0) * EACH_REPOSITORY
            usual = usual or (LIMIT if key else ANONYMOUS)[resource]
            limit = known.limit if known else min(usual + more, MOST)
            known = Rate(resource, limit, now + HOUR)
            self._rates[key, resource] = known
        return known

    def begin(self) -> bool:
        """Count a request in; tell whether there are too many at once."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once > MOST_AT_ONCE:
            self.tripped.append(f"{self.at_once} requests at once")
        return self.at_once > MOST_AT_ONCE

    def end(self) -> None:
        """Count a request out."""
        self.at_once -= 1

    def create(self, key: str, *, now: float) -> bool:
        """Count a content-creating request; tell whether it is one too many."""
        made = self._content.setdefault(key, deque())
        while made and made[0] <= now - HOUR:
            made.popleft()
        for span, most in CONTENT.items():
            count = sum(1 for moment in made if moment > now - span) + 1
            if count > most:
                self.tripped.append(f"{count} content-creating requests in {span} s by {key}")
                return True
            self.most_content[span] = max(self.most_content[span], count)
        made.append(now)
        return False

    def spend(self, key: str, resource: str, points: int, *, now: float) -> bool:
        """Count a request's points; tell whether they are too many in a minute."""
        spent = self._points.setdefault((key, resource), deque())
        while spent and spent[0][0] <= now - 60:
            spent.popleft()
        total = sum(each for _, each in spent) + points
        if total > POINTS[resource]:
            self.tripped.append(f"{total} {resource} points in a minute by {key}")
            return True
        self.most_points[resource] = max(self.most_points[resource], total)
        spent.append((now, points))
        return False

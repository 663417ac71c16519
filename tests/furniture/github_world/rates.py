"""Rate limits: points spent by each token, and what the headers say of it."""

from __future__ import annotations

from dataclasses import dataclass

HOUR = 3600
LIMIT = {"core": 5000, "graphql": 5000}
ANONYMOUS = {"core": 60, "graphql": 0}


@dataclass
class Rate:
    """One token's limit on one resource."""

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


class Rates:
    """All of them. The window begins with the first request in it."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str], Rate] = {}

    def of(self, token: str, resource: str, *, now: float) -> Rate:
        """Return the rate that holds now."""
        known = self._rates.get((token, resource))
        if known is None or now >= known.reset:
            limit = known.limit if known else (LIMIT if token else ANONYMOUS)[resource]
            known = Rate(resource, limit, now + HOUR)
            self._rates[token, resource] = known
        return known

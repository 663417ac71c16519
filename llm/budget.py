"""Dollars that may be spent: what a call can cost at most is set aside before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from llm.errors import BudgetSpent
from storage.records import Hold, Limit
from storage.tables.calls import ModelCalls


@dataclass(frozen=True, slots=True, kw_only=True)
class DollarLimits:
    """Dollars; None for no limit."""

    run: float | None = None
    repository: float | None = None
    """For one repository, over all runs of the store."""
    month: float | None = None
    """For a calendar month in UTC, over all that the store holds."""


class Budget:
    """What one run may spend. The dollars are counted in the store, for every process there is."""

    def __init__(
        self,
        calls: ModelCalls,
        limits: DollarLimits,
        *,
        run: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.run = run or uuid4().hex[:16]
        self._calls = calls
        self._limits = limits
        self._clock = clock

    def hold(self, dollars: float, *, key: str, repository: str) -> Hold:
        """Set dollars aside for a call. Raises BudgetSpent when a limit does not allow it."""
        hold = self.make_hold(dollars, key=key, repository=repository)
        passed = self._calls.hold(hold, self.limits(repository))
        if passed is not None:
            raise self.make_budget_error(passed, dollars)
        return hold

    def make_hold(self, dollars: float, *, key: str, repository: str) -> Hold:
        """Return what would be set aside for a call that is sent now."""
        return Hold(
            id=uuid4().hex,
            key=key,
            dollars=dollars,
            created=self.now(),
            repository=repository,
            run=self.run,
        )

    def limits(self, repository: str) -> list[Limit]:
        """Return the limits that a call for a repository is under now."""
        given = (
            Limit(scope="run", of=self.run, dollars=self._limits.run or 0.0),
            Limit(scope="repository", of=repository, dollars=self._limits.repository or 0.0),
            Limit(scope="month", of=self.now()[:7], dollars=self._limits.month or 0.0),
        )
        return [limit for limit in given if getattr(self._limits, limit.scope) is not None]

    def make_budget_error(self, limit: Limit, dollars: float) -> BudgetSpent:
        """Return the error that names a limit and what is left of it."""
        left = max(limit.dollars - self._calls.sum_dollars(limit), 0.0)
        words = f"the model's budget is spent: ${left:.2f} of the {limit.scope}'s "
        words += f"${limit.dollars:.2f} left, a call may cost ${dollars:.2f}"
        if any(hold.run != self.run for hold in self._calls.holds()):
            words += "; calls that were cut off count at their worst, see `bugfoundry costs`"
        return BudgetSpent(words)

    def now(self) -> str:
        """Return the time as ISO in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")

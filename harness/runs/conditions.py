"""Under what conditions tests are run, beside those they were judged under.

Order, hash seed and clock are the runner's to change (``harness/runner/``); load is the
machine's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How a run differs from judging."""

    order_seed: int | None = None
    """Seed of a random order of the tests; None keeps pytest's."""
    hash_seed: int = 0
    """``PYTHONHASHSEED``."""
    clock_days: int = 0
    """Days by which the clock is off, where libfaketime can be loaded in the sandbox."""
    load: bool = False
    """Every processor of the machine is kept busy meanwhile."""

    def frame(self) -> dict[str, Any]:
        """What the runner is told."""
        return {name: value for name, value in asdict(self).items() if name != "load"}

    def __str__(self) -> str:
        parts = []
        if self.order_seed is not None:
            parts.append("random order")
        if self.hash_seed:
            parts.append("another hash seed")
        if self.clock_days:
            parts.append(f"clock {self.clock_days:+d} days")
        if self.load:
            parts.append("load")
        return ", ".join(parts) or "as judged"


AS_JUDGED = Conditions()


def of_round(number: int) -> Conditions:
    """Return the conditions of a round, from 1: first as judged, then one at a time, then all."""
    which = (number - 1) % 5
    return Conditions(
        order_seed=number if which in (1, 4) else None,
        hash_seed=number if which in (1, 4) else 0,
        clock_days=CLOCK_DAYS if which in (3, 4) else 0,
        load=which in (2, 4),
    )


CLOCK_DAYS = 400
"""More than a year: another year, another month, another day of the week."""

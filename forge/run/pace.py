"""How bugs are gathered into batches, and how runs are looked after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from forge.run.setting_fields import Setting

FIRST = 2.0
"""Seconds until the first look at a run; each wait is a fifth longer than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPace:
    """Of one run of the pipeline."""

    minutes: Annotated[
        float,
        Setting(
            name="shard_minutes",
            least=1,
            help="With --engine actions: how long a shard should take, in minutes.",
        ),
    ] = 10.0
    workers: int = 4
    """Of a shard."""
    shards: int | None = None
    """How many; by minutes where not said."""
    most: int = 20_000
    """Bugs of one batch."""
    linger: float = 30.0
    """Seconds without another bug after which those that are there are sent: a source may wait."""
    poll: float = 30.0
    """Seconds between two looks at a run that takes long; those at a short one come sooner."""

    def waits(self) -> Iterator[float]:
        """Yield the seconds to wait before each look at a run: about a fifth of its time so far."""
        wait = min(FIRST, self.poll)
        while True:
            yield wait
            wait = min(wait * 1.2, self.poll)

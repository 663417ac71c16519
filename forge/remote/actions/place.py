"""What a place is where batches are judged: it takes one, runs it, and keeps what came of it."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forge.remote.batch.artifacts import Artifact

SHARD = re.compile(r"(?:^|.* / )(first|again) / shard (\d+)")
"""Name of the job of a shard, in the first and in the second wave of a run."""
WAVES = {"first": 0, "again": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """One job of a run."""

    name: str
    conclusion: str
    """``success``, ``failure``, ``cancelled``, ``timed_out`` …; empty while it runs."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands."""

    ended: bool
    conclusion: str = ""
    url: str = ""
    jobs: tuple[RunJob, ...] = ()

    @property
    def minutes(self) -> int:
        """Runner minutes that are paid: each job's, rounded up."""
        return sum(math.ceil(job.seconds / 60) for job in self.jobs)

    @property
    def lost_shards(self) -> list[tuple[int, int]]:
        """Shards whose job failed: the place of their wave in the run, from 0, and their number."""
        found = ((SHARD.fullmatch(job.name), job.conclusion) for job in self.jobs)
        return [
            (WAVES[match[1]], int(match[2]))
            for match, conclusion in found
            if match is not None and conclusion in ("failure", "timed_out")
        ]


class BatchPlace(Protocol):
    """Judges batches. What is said twice is done once."""

    name: str
    """As the store knows it, ``actions:owner/name`` for instance."""

    async def upload_batch(self, folder: Path, plan: str) -> str:
        """Lay the files of a folder where a job can read them, and return their address."""

    async def dispatch(self, address: str, plan: str) -> str:
        """Start judging what lies there, and return the run. Raises BugfoundryError."""

    async def find(self, address: str, plan: str) -> str | None:
        """Return the run that judges what lies there, where one was started already."""

    async def state(self, run: str) -> RunState:
        """Say where a run stands. Raises BugfoundryError."""

    async def remove(self, plan: str) -> None:
        """Take away the files of a batch that is not needed any more. Raises nothing: they do no
        harm where they stay.
        """

    def artifacts(self, run: str) -> AsyncGenerator[Artifact, None]:
        """Yield all that the jobs of a run uploaded, unpacked; not to be trusted."""

"""Does solving synthetic bugs tell of solving human ones? Solve rates of both, side by side.

From evaluation reports and the tasks they are about; of held-out repositories where tasks say
which split they are in. Intervals are Wilson's (1927), at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["synthetic", "mirrored"]
KINDS: tuple[Kind, ...] = ("synthetic", "mirrored")
Z = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of some tasks were solved."""

    solved: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """0 to 1; not a number where there is no task."""
        return self.solved / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval; from 0 to 1 where nothing is known."""
        if not self.total:
            return 0.0, 1.0
        n, p, z = self.total, self.share, Z
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def plus(self, solved: bool) -> Rate:
        """Count one more task."""
        return Rate(solved=self.solved + solved, total=self.total + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLine:
    """One model on one repository, or on all of them where none is named."""

    model: str
    repository: str
    synthetic: Rate
    mirrored: Rate


def transfer(
    instances: Iterable[Mapping[str, Any]], tasks: Mapping[str, Mapping[str, Any]]
) -> list[TransferLine]:
    """Return a line for each model over all repositories, and one for each repository.

    ``instances`` are those of evaluation reports, ``tasks`` full records by id. Tasks that say
    they are for training or validation do not count, nor do predictions that were not graded.
    """
    rates: dict[tuple[str, str], dict[Kind, Rate]] = {}
    for each in instances:
        task = tasks.get(each["instance_id"])
        if task is None or task.get("split", "test") != "test":
            continue
        kind: Kind = "mirrored" if task["strategy"] == "mirror" else "synthetic"
        for repository in ("", task["repo"]):
            found = rates.setdefault((each["model_name_or_path"], repository), {})
            found[kind] = found.get(kind, Rate()).plus(each["resolved"])
    return [
        TransferLine(
            model=model,
            repository=repository,
            synthetic=found.get("synthetic", Rate()),
            mirrored=found.get("mirrored", Rate()),
        )
        for (model, repository), found in sorted(rates.items())
    ]

"""Which pull requests are worth an attempt now, by what became of each before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from forge.pulls.attempts import Attempted, parse_attempted
from forge.pulls.crawl import CANDIDATE
from forge.pulls.outcomes import UNDONE
from storage.records import Mirroring, PullRequest

TO_TRY = ("", CANDIDATE, UNDONE)
"""Outcomes of those that were not left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSelection:
    """What a person asked for."""

    only: frozenset[int] | None = None
    """Numbers of the pull requests to undo, though they be left out otherwise."""
    skip: frozenset[int] = frozenset()
    """Numbers of those that are not to be undone."""

    def is_candidate(
        self, pull: PullRequest, known: Mirroring | None, plan: Callable[[], Attempted]
    ) -> bool:
        """Say whether to try a pull request; ``plan`` says by what that would be."""
        if pull.number in self.skip:
            return False
        if self.only is not None:
            return pull.number in self.only
        if known is None:
            return True
        return is_promising(known) and not is_exhausted(known, plan)


def is_promising(known: Mirroring) -> bool:
    """Say whether it was chosen, or was tried: a fix is kept of none that was left out."""
    return known.outcome in TO_TRY or bool(known.fix)


def is_exhausted(known: Mirroring, plan: Callable[[], Attempted]) -> bool:
    """Say whether an earlier run did all that is planned, and to no end."""
    if known.bug:
        return False
    earlier = parse_attempted(known.tried)
    return earlier is not None and earlier.covers(plan())


def is_settled(known: Mirroring, planned: Attempted) -> bool:
    """Say whether an earlier run did exactly what is planned."""
    return parse_attempted(known.tried) == planned

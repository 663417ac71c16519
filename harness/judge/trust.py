"""Which bugs are judged both ways, by the tests that can notice them and by all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import count

AUDITED = 50
"""Bugs of a repository that are judged both ways, before selection is trusted."""
SAMPLED = 20
"""After those, one bug in so many is."""

Audits = Callable[[str], bool]
"""Say of a bug whether it is judged both ways; asked once for each, in the order they come."""


def audit_first_and_sampled(judged: int = 0) -> Audits:
    """Return the rule where ``judged`` bugs were judged before."""
    numbers = count(judged)

    def audits(bug: str) -> bool:
        return next(numbers) < AUDITED or int(bug[:8], 16) % SAMPLED == 0

    return audits


def audit_named(bugs: Collection[str]) -> Audits:
    """Return the rule where it was said beforehand which."""
    return bugs.__contains__

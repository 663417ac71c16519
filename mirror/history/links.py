"""Put together what several places say of the issues of one pull request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from storage.records import Evidence, Link

STRENGTH: dict[str, int] = {name: rank for rank, name in enumerate(get_args(Evidence))}
"""From the name of an evidence to its rank, the strongest first."""


def strongest(links: Iterable[Link], *, repository: str, number: int = 0) -> tuple[Link, ...]:
    """Return one link for each issue, with its strongest evidence, strongest first.

    ``number`` is the pull request's own, which is never its issue; an issue with a higher one was
    opened later, since issues and pull requests are counted together.
    """
    best: dict[tuple[str, int], Link] = {}
    for link in links:
        key = (link.repository, link.number)
        if number and key == (repository, number):
            continue
        if key not in best or STRENGTH[link.evidence] < STRENGTH[best[key].evidence]:
            late = bool(number) and link.repository == repository and link.number > number
            best[key] = replace(link, marks=("late",)) if late else link
    return tuple(sorted(best.values(), key=lambda link: STRENGTH[link.evidence]))

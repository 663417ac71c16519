"""Which changes were taken back by later ones: their fix is not in today's code."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from mirror.history.merges import REVERTS, is_revert
from storage.records import PullRequest

QUOTED = re.compile(r"^\s*revert(?:s|ed)?:?\s+\"(?P<title>.*)\"", re.I | re.S)
BY_NUMBER = re.compile(r"\breverts\s+(?:[\w.-]+/[\w.-]+)?#(?P<number>\d{1,8})\b", re.I)
NUMBER = re.compile(r"\s*\(#\d+\)$")
SHORT = 7
"""Letters of a commit that a message names at the least."""


def find_reverted_commits(pulls: Iterable[PullRequest]) -> frozenset[str]:
    """Return the commits of what was taken back, and not put back by a revert of the revert."""
    ordered = sorted(pulls, key=lambda pull: pull.merged)
    names = _RevertNames(ordered)
    found: set[str] = set()
    for place in reversed(range(len(ordered))):
        pull = ordered[place]
        if pull.commit in found or not is_revert(pull.title, pull.body):
            continue
        found.update(ordered[before].commit for before in names.taken_back(pull, place))
    return frozenset(found)


class _RevertNames:
    """The ways in which a revert names what it takes back."""

    def __init__(self, ordered: list[PullRequest]) -> None:
        self._ordered = ordered
        self._titles: defaultdict[str, list[int]] = defaultdict(list)
        self._numbers: dict[int, int] = {}
        self._commits: defaultdict[str, list[int]] = defaultdict(list)
        for place, pull in enumerate(ordered):
            self._titles[_plain(pull.title)].append(place)
            self._numbers[pull.number] = place
            for sha in {pull.commit, *pull.commits}:
                self._commits[sha[:SHORT]].append(place)

    def taken_back(self, revert: PullRequest, place: int) -> set[int]:
        """Return the places of what a revert takes back, by the surest name it gives."""
        text = f"{revert.title}\n{revert.body}"
        found = set(self._by_commit(text)) or set(self._by_number(text))
        if not found and (quoted := QUOTED.match(revert.title)):
            older = [p for p in self._titles[_plain(quoted["title"])] if p < place]
            found = set(older[-1:])
        return found - {place}

    def _by_commit(self, text: str) -> Iterator[int]:
        for named in REVERTS.finditer(text):
            sha = named["sha"].lower()
            for place in self._commits[sha[:SHORT]]:
                pull = self._ordered[place]
                if any(own.startswith(sha) for own in (pull.commit, *pull.commits)):
                    yield place

    def _by_number(self, text: str) -> Iterator[int]:
        for named in BY_NUMBER.finditer(text):
            if (number := int(named["number"])) in self._numbers:
                yield self._numbers[number]


def _plain(title: str) -> str:
    return NUMBER.sub("", title.strip()).strip()

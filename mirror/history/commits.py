"""The commits of a clone: read in one go, with the questions that grouping them asks."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storage.git import git

FORMAT = "%H%n%P%n%an%n%ae%n%at%n%cn%n%ce%n%ct%n%B"
BOT = re.compile(
    r".*\[bot\]|dependabot.*|renovate.*|pyup.?bot|pre-commit-ci.*|github-actions.*|.*-bot|greenkeeper.*",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, with its place among all (parents come before children)."""

    place: int
    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    authored: int
    """Seconds since 1970, as all times here."""
    committer: str
    committer_email: str
    committed: int
    message: str

    @property
    def subject(self) -> str:
        return self.message.strip().partition("\n")[0].strip()

    @property
    def body(self) -> str:
        return self.message.strip().partition("\n")[2].strip()

    @property
    def is_merge(self) -> bool:
        return len(self.parents) > 1

    @property
    def by_bot(self) -> bool:
        return bool(BOT.fullmatch(self.author))


class History:
    """All commits that can be reached from a revision, the oldest first."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        self.commits = list(commits)
        self._by_sha = {commit.sha: commit for commit in self.commits}

    def __contains__(self, sha: str) -> bool:
        return sha in self._by_sha

    def __getitem__(self, sha: str) -> Commit:
        return self._by_sha[sha]

    def mainline(self) -> set[str]:
        """Return the commits of the main branch itself: first parents of first parents."""
        found = set()
        commit = self.commits[-1] if self.commits else None
        while commit is not None:
            found.add(commit.sha)
            commit = self._by_sha.get(commit.parents[0]) if commit.parents else None
        return found

    def reachable(self, sha: str) -> set[str]:
        """Return a commit and all before it; nothing when it is not of this history."""
        return {commit.sha for commit in self.between("", [sha])} if sha in self else set()

    def between(self, base: str, tips: Iterable[str]) -> list[Commit]:
        """Return what the tips have and the base has not, oldest first (``base..tip``).

        Walks down from the newest, so that it sees no more of the history than it has to.
        """
        wanted = {self[tip].place: True for tip in tips if tip in self}
        if base in self:
            wanted[self[base].place] = False
        queue = [-place for place in wanted]
        heapq.heapify(queue)
        remaining = sum(wanted.values())
        found: list[Commit] = []
        while queue and remaining:
            place = -heapq.heappop(queue)
            keep = wanted.pop(place)
            remaining -= keep
            commit = self.commits[place]
            if keep:
                found.append(commit)
            for parent in commit.parents:
                if parent not in self:
                    continue
                before = self[parent].place
                if before not in wanted:
                    wanted[before] = keep
                    remaining += keep
                    heapq.heappush(queue, -before)
                elif wanted[before] and not keep:
                    wanted[before] = False
                    remaining -= 1
        return found[::-1]


def read_history(git_dir: Path, revision: str) -> History:
    """Read the history of a revision. Raises GitError when there is no such revision."""
    printed = git(
        f"--git-dir={git_dir}",
        "log",
        "--no-show-signature",
        "--no-notes",
        "--no-color",
        "--topo-order",
        "--reverse",
        "--encoding=UTF-8",
        "-z",
        f"--format={FORMAT}",
        "--end-of-options",
        revision,
        "--",
    )
    return History(parse_log(printed.decode("utf-8", "replace")))


def parse_log(printed: str) -> Iterator[Commit]:
    """Yield the commits that ``git log -z`` printed in our format."""
    for place, record in enumerate(record for record in printed.split("\0") if record):
        sha, parents, author, email, authored, committer, by, committed, message = record.split(
            "\n", 8
        )
        yield Commit(
            place=place,
            sha=sha,
            parents=tuple(parents.split()),
            author=author,
            email=email,
            authored=_seconds(authored),
            committer=committer,
            committer_email=by,
            committed=_seconds(committed),
            message=message,
        )


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() else 0


def iso(seconds: int) -> str:
    """Return a time as ISO in UTC; empty when there is none that a calendar knows."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""

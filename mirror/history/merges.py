"""What the message of a commit says of how it came into the history."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from mirror.history.commits import Commit

BY_NUMBER = (
    re.compile(r"Merge pull request #(?P<number>[1-9]\d{0,7}) (?:from|in) (?P<branch>\S+).*"),
    re.compile(r"Merged? in (?P<branch>\S+) \(pull request #(?P<number>[1-9]\d{0,7})\).*"),
    re.compile(r"(?:Auto merge of|Merge(?: PR)?) #(?P<number>[1-9]\d{0,7})(?!\w).*"),
)
"""Subjects of merge commits by GitHub, Bitbucket, merge queues and people."""
NUMBERED = re.compile(r"(?P<title>.*\S)\s*\(#(?P<number>[1-9]\d{0,7})\)\.?")
"""Subject of a squash, and of a merge where the title is set to be the pull request's."""
BRANCH = re.compile(r"Merge (?:remote-tracking )?(?:branch|commit) '(?P<branch>[^']+)'(?P<into>.*)")
FROM_FORK = "Merge commit from fork"
"""What GitHub writes when the fix of a security advisory is merged."""
LINE = re.compile(
    r"(?:.*/)?(?:main|master|trunk|dev|devel|develop|development|stable|maint\w*|release.*|next"
    r"|upstream|HEAD|v?\d+(?:[._-](?:\d+|x))*(?:[._-](?:line|branch|dev|stable|maint\w*))?)",
    re.I,
)
"""Names of branches on which many changes gather."""
LINES = re.compile(
    r"Merge (?:(?:remote|branch|changes|latest|upstream)[- ])*(?:from )?"
    r"[`'\"]?(?P<branch>[\w./-]+?)[`'\"]?(?: branch)?(?: (?:in)?to\b.*)?\.?\s*",
    re.I,
)
"""The same in the words of people."""
REVERT = re.compile(r"^\s*(?:\w+(?:\([^)]*\))?!?:\s*)?revert(?:s|ed|ing)?\b", re.I)
REVERTS = re.compile(r"\bThis reverts (?:commit|merge) (?P<sha>[0-9a-f]{7,40})\b", re.I)
WEB = "noreply@github.com"
"""Who commits what is squashed on the site."""
FIRST_SQUASH = 1459468800
"""April 2016: before, no pull request was merged by a squash on the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A change in words."""

    title: str
    body: str = ""
    number: int = 0
    """Of the pull request; 0 when it is not known to be one."""
    owner: str = ""
    """Whose fork it came from."""
    branch: str = ""

    @classmethod
    def of_commit(cls, commit: Commit) -> Self:
        return cls(title=commit.subject, body=commit.body)

    def fill_from_commit(self, only: Commit) -> Self:
        """Return it with what the message of its only commit adds."""
        title = self.title or only.subject
        return replace(self, title=title, body=self.body or only.body)


def pull_merge(commit: Commit) -> Merge | None:
    """Read the merge commit of a pull request; None for any other."""
    if not commit.is_merge:
        return None
    for pattern in BY_NUMBER:
        if found := pattern.fullmatch(commit.subject):
            place = found.groupdict().get("branch") or ""
            owner, slash, branch = place.partition("/")
            title, _, body = commit.body.partition("\n")
            return Merge(
                title=title.strip(),
                body=body.strip(),
                number=int(found["number"]),
                owner=owner if slash else "",
                branch=branch if slash else place,
            )
    return _parse_numbered_title(commit)


def squash(commit: Commit, *, on_mainline: bool) -> Merge | None:
    """Read a squashed pull request; None where the number may as well be an issue's."""
    if len(commit.parents) != 1:
        return None
    by_site = commit.committer_email == WEB
    if by_site or (on_mainline and commit.committed >= FIRST_SQUASH):
        return _parse_numbered_title(commit)
    return None


def _parse_numbered_title(commit: Commit) -> Merge | None:
    found = NUMBERED.fullmatch(commit.subject)
    if found is None:
        return None
    return Merge(title=found["title"], body=commit.body, number=int(found["number"]))


def topic_merge(commit: Commit, *, closes: bool) -> Merge | None:
    """Read the merge of a branch that is about one thing; None where it may be many."""
    if not commit.is_merge:
        return None
    found = BRANCH.fullmatch(commit.subject)
    if commit.subject.startswith(FROM_FORK):
        return Merge(title="", body=commit.body)
    if found is None:
        return Merge.of_commit(commit) if closes else None
    into = found["into"].strip().removeprefix("into ").strip("'")
    many = LINE.fullmatch(found["branch"]) or (into and not LINE.fullmatch(into))
    if many and not closes:
        return None
    return Merge(title="", body=commit.body, branch=found["branch"])


def is_foreign(inner: Merge, *, outer: Merge, repository: str) -> bool:
    """Say whether a pull request inside another is one of a fork, with the fork's own numbers.

    A contributor who merges pull requests of his own fork, or the upstream branch by one, brings
    their merge commits along.
    """
    home = repository.partition("/")[0].lower()
    if inner.owner.lower() == home:
        return bool(LINE.fullmatch(inner.branch)) and outer.owner.lower() not in ("", home)
    return bool(inner.owner) and inner.owner.lower() == outer.owner.lower()


def is_revert(title: str, body: str) -> bool:
    """Say whether a change takes back another."""
    return bool(REVERT.match(title) or REVERTS.match(body.strip()))


def is_line_merge(title: str) -> bool:
    """Say whether a change brings one line of development up to date with another."""
    found = BRANCH.fullmatch(title) or LINES.fullmatch(title)
    return bool(found and LINE.fullmatch(found["branch"]))

"""Where a text leads to a pull request: links, numbers, commits and the name of its branch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.I)
URL_TAIL = ".,;:!?)]*_~"
"""What ends a sentence or a link's brackets, and no address."""
LINK = re.compile(
    r"\[([^\[\]\n]{0,300})\]\(\s*<?(https?://[^\s<>()]{1,2000})>?(?:\s+\"[^\"\n]{0,200}\")?\s*\)",
    re.I,
)
IN_URL = re.compile(r"/([^/]+)/(?:-/)?(?:pull|pulls|issues|merge_requests)/(\d+)(?!\w)", re.I)
COMMIT_URL = re.compile(r"/([^/]+)/(?:-/)?commits?/([0-9a-f]{4,40})(?!\w)", re.I)
SHA = re.compile(
    r"(?:(?<![\w.-])[\w.-]{1,100}/[\w.-]{1,100}@)?"
    r"(?<![0-9A-Za-z])g?([0-9a-fA-F]{7,40})(?![0-9A-Za-z])"
)
HEX = re.compile(r"(?<![0-9A-Za-z])g?([0-9a-f]{7,40})(?![0-9A-Za-z])", re.I)
COMMON_BRANCH = re.compile(
    r"(?:main|master|trunk|next|stable|release|dev\w*|maint\w*|v?\d+)(?:[-_/.][\dx.]+)?", re.I
)
"""Names that say nothing of a fix, and that stand in texts for other reasons."""
DISTINCT_BRANCH = re.compile(r"(?=.{6})(?=.*[A-Za-z]{3}).*[-_/.].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What a fix can be found by."""

    repository: str = ""
    """``owner/name``."""
    number: int = 0
    """Of the pull request; 0 when not known."""
    commits: frozenset[str] = frozenset()
    """Full hashes."""
    branch: str = ""
    author: str = ""
    code: frozenset[str] = frozenset()
    """What the fix added, in normal form."""

    @property
    def owner(self) -> str:
        return self.repository.rpartition("/")[0].lower()

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2].lower()


@dataclass(frozen=True, slots=True)
class Reference:
    """A range of a text that leads to the fix, and what may stand in its place."""

    start: int
    end: int
    kind: str
    instead: str = ""


def references(text: str, traces: Traces) -> list[Reference]:
    """Return what leads to the fix, in order and without overlaps."""
    found = [each for find in FINDERS for each in find(text, traces)]
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[Reference] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def links(text: str, traces: Traces) -> Iterator[Reference]:
    """Find links of Markdown; their text stays."""
    for match in LINK.finditer(text):
        if leads(match[2], traces):
            yield Reference(match.start(), match.end(), "link", match[1])


def addresses(text: str, traces: Traces) -> Iterator[Reference]:
    """Find addresses that stand by themselves."""
    for match in URL.finditer(text):
        url = match[0].rstrip(URL_TAIL)
        if leads(url, traces):
            yield Reference(match.start(), match.start() + len(url), "link")


def leads(url: str, traces: Traces) -> bool:
    """Say whether an address leads to the fix, in its repository or in a fork of it."""
    url = unquote(url)
    for name, number in IN_URL.findall(url):
        if is_own(name, traces) and traces.number and int(number) == traces.number:
            return True
    for name, commit in COMMIT_URL.findall(url):
        if is_own(name, traces) and is_commit(commit, traces):
            return True
    if any(is_commit(found, traces) for found in HEX.findall(url)):
        return True
    if not traces.branch or f"/{traces.name}" not in url.lower():
        return False
    fork = f"/{traces.owner}/{traces.name}" not in url.lower()
    named = re.search(rf"(?:[/:@=]|\.\.){re.escape(traces.branch)}(?![\w-])", url)
    return named is not None and (fork or is_distinct(traces.branch))


def is_own(name: str, traces: Traces) -> bool:
    """Say whether a repository's name is that of the fix; its owner may have changed."""
    return not traces.name or name.lower().removesuffix(".git") == traces.name


def is_commit(found: str, traces: Traces) -> bool:
    """Say whether a hash, shortened or not, is of one of the commits."""
    return any(commit.startswith(found.lower()) for commit in traces.commits)


def is_distinct(branch: str) -> bool:
    """Say whether the name of a branch would not stand in a text for another reason."""
    return bool(DISTINCT_BRANCH.fullmatch(branch)) and not COMMON_BRANCH.fullmatch(branch)


def numbers(text: str, traces: Traces) -> Iterator[Reference]:
    """Find the number of the pull request, in the ways in which people write it."""
    if not traces.number:
        return
    number = rf"0*{traces.number}(?!\w)"
    patterns = [
        rf"(?<![\w.-])(?:[\w.-]{{1,100}}/)?{re.escape(traces.name)}#{number}",
        rf"(?<![\w&#/])#{number}",
        rf"\b(?:PRs?|MRs?|GH|pull[ -]?requests?|merge[ -]?requests?)[ \t]{{0,3}}"
        rf"[:#-]?[ \t]{{0,3}}#?{number}",
        rf"[:{{](?:pr|pull|ghpull|gh-pr|pull-request|gh|issue)[:}}]"
        rf"`[^`<>\n]{{0,100}}[<#]{{0,2}}{number}>?`",
    ]
    for pattern in patterns:
        for match in re.finditer(pattern, text, re.I):
            yield Reference(match.start(), match.end(), "number")
    path = rf"(?<![\w.-])(?:(?:[\w.-]{{1,100}}/)?([\w.-]{{1,100}})/)?(?:pulls?|issues)/{number}"
    for match in re.finditer(path, text, re.I):
        if match[1] is None or is_own(match[1], traces):
            yield Reference(match.start(), match.end(), "number")


def commits(text: str, traces: Traces) -> Iterator[Reference]:
    """Find hashes of the commits, shortened to no less than what git shows."""
    for commit in traces.commits:
        for match in re.finditer(re.escape(commit), text, re.I):
            yield Reference(match.start(), match.end(), "commit")
    for match in SHA.finditer(text):
        if is_commit(match[1], traces):
            yield Reference(match.start(), match.end(), "commit")


def branches(text: str, traces: Traces) -> Iterator[Reference]:
    """Find the branch: by its name, or, where that is a common one, with its author's."""
    if not traces.branch:
        return
    name = re.escape(traces.branch)
    if is_distinct(traces.branch):
        pattern = rf"(?<![\w-])(?:[\w-]{{1,100}}:)?{name}(?![\w-])"
    elif traces.author:
        pattern = rf"(?<![\w-]){re.escape(traces.author)}:{name}(?![\w-])"
    else:
        return
    for match in re.finditer(pattern, text):
        yield Reference(match.start(), match.end(), "branch")


FINDERS: tuple[Callable[[str, Traces], Iterator[Reference]], ...] = (
    links,
    addresses,
    numbers,
    commits,
    branches,
)

"""Crawl the pull requests of a repository from its clone's own history; no network, no token.

What the history does not tell is empty: labels, when it was opened, the text of issues. What it
tells of issues is evidence of three strengths: a closing keyword in a message, a changelog entry
that the change adds, a test it adds that names the issue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from mirror.history.changelogs import PATHSPECS, diff_links
from mirror.history.commits import iso, read_history
from mirror.history.diffs import FileLines, changed_files, changed_lines
from mirror.history.groups import Group, groups
from mirror.history.links import strongest
from mirror.history.merges import is_revert
from mirror.keywords import message_links
from storage.records import PullRequest
from syntax.paths import is_source_path

RULES = "1"
"""Version of what is read out of a history: where it was read by another, it is read anew."""
BATCH = 400
"""Changes that git is asked about at once: few processes, bounded memory."""


def crawl_history(
    git_dir: Path, revision: str, repository: str, *, since: str = ""
) -> Iterator[PullRequest]:
    """Yield what was merged, oldest first: pull requests, and other changes that close an issue.

    ``since`` is a commit crawled before: it and all before it is left out. A crawl that was cut
    off goes on from the commit it yielded last. Raises GitError.
    """
    history = read_history(git_dir, revision)
    known = history.reachable(since)
    new = (group for group in groups(history, repository) if group.commit.sha not in known)
    while some := list(islice(new, BATCH)):
        yield from _crawl(git_dir, some, repository)


def _crawl(git_dir: Path, some: Sequence[Group], repository: str) -> Iterator[PullRequest]:
    pairs = [(group.commit.sha, group.base) for group in some]
    files = changed_files(git_dir, pairs)
    lines = changed_lines(git_dir, pairs, PATHSPECS)
    for group in some:
        sha = group.commit.sha
        paths = tuple(sorted(file.path for file in files[sha]))
        pull = _pull(group, repository, paths, lines[sha])
        if _counts(pull):
            yield pull


def _pull(
    group: Group, repository: str, paths: tuple[str, ...], lines: Sequence[FileLines]
) -> PullRequest:
    said, first = group.said, group.first
    found = [link for text in group.messages for link in message_links(text, repository)]
    if is_revert(said.title, said.body):
        found = [replace(link, evidence="mention") for link in found]
    elif any(map(is_source_path, paths)):
        found += diff_links(lines, repository)
    return PullRequest(
        repository=repository,
        commit=group.commit.sha,
        base=group.base,
        number=said.number,
        title=said.title or group.commit.subject,
        body=said.body,
        author=first.author,
        bot=first.by_bot,
        branch=said.branch,
        merged=iso(group.commit.committed),
        files=paths,
        commits=tuple(commit.sha for commit in group.own),
        links=strongest(found, repository=repository, number=said.number),
        origin="history",
    )


def _counts(pull: PullRequest) -> bool:
    return bool(pull.number or pull.closes or is_revert(pull.title, pull.body))

"""Sift many pull requests by what git says of their diffs: candidates, and why the others not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from mirror.choice.format_changes import Kind, kind_of
from mirror.choice.limits import Limits
from mirror.choice.reverts import find_reverted_commits
from mirror.choice.rules import ChoiceContext, CommitDiff, explain_exclusion
from mirror.history.diffs import FileDiff, changed_files, counted_lines
from storage.blobs import read_blobs
from storage.git import git
from storage.records import Issue, PullRequest

BATCH = 40
"""Pull requests whose files are in memory at once."""
Sifted = tuple[PullRequest, str]
"""A pull request, and why it is left out: empty for a candidate."""


def sift(
    git_dir: Path,
    revision: str,
    pulls: Sequence[PullRequest],
    issues: Iterable[Issue] = (),
    limits: Limits | None = None,
) -> Iterator[Sifted]:
    """Yield each pull request with the reason it is left out; ``pulls`` are all of a repository's.

    Raises GitError.
    """
    limits = limits or Limits()
    known = ChoiceContext(
        issues={(issue.repository, issue.number): issue for issue in issues},
        pulls=frozenset(pull.number for pull in pulls),
        reverted=find_reverted_commits(pulls),
    )
    changes = read_changes(git_dir, revision, pulls)
    ordered = iter(pulls)
    while some := list(islice(ordered, BATCH)):
        asked = [(pull, changes.get(pull.commit)) for pull in some]
        reasons = [explain_exclusion(pull, known, limits, change) for pull, change in asked]
        left = [c for (_, c), reason in zip(asked, reasons, strict=True) if c and not reason]
        contents = read_contents(git_dir, left)
        for (pull, change), reason in zip(asked, reasons, strict=True):
            if change is not None and not reason:
                change = replace(change, kind=source_kind(change, contents))
                reason = explain_exclusion(pull, known, limits, change)
            yield pull, reason


def read_changes(
    git_dir: Path, revision: str, pulls: Iterable[PullRequest]
) -> Mapping[str, CommitDiff]:
    """Return the change of each pull request that is in the history of a revision.

    Of those that close no issue nothing is read: no files are a question of theirs.
    """
    listed = git(f"--git-dir={git_dir}", "rev-list", "--end-of-options", revision, "--")
    here = set(listed.decode().split())
    found = [pull for pull in pulls if {pull.commit, pull.base} <= here]
    pairs = [(pull.commit, pull.base) for pull in found if pull.closes]
    files = changed_files(git_dir, pairs)
    counts = counted_lines(git_dir, pairs)
    changes = {
        commit: CommitDiff(files=_add_line_counts(files[commit], counts[commit]))
        for commit in files
    }
    return {pull.commit: CommitDiff(files=()) for pull in found} | changes


def _add_line_counts(
    files: Iterable[FileDiff], counts: Mapping[str, tuple[int, int]]
) -> tuple[FileDiff, ...]:
    counted = ((file, *counts.get(file.path, (0, 0))) for file in files)
    return tuple(replace(file, added=added, removed=removed) for file, added, removed in counted)


def read_contents(git_dir: Path, changes: Iterable[CommitDiff]) -> dict[str, bytes]:
    """Return the contents of the source files before and after, by their names."""
    files = [file for change in changes for file in change.source]
    return read_blobs(git_dir, [name for f in files for name in (f.before, f.after) if name])


def source_kind(change: CommitDiff, contents: Mapping[str, bytes]) -> Kind:
    """Say what the source files of a change have changed in, the strongest of all."""
    if any(not (file.before and file.after) for file in change.source):
        return "logic"
    kinds = set()
    for file in sorted(change.source, key=lambda file: len(contents[file.after])):
        kind = kind_of(contents[file.before], contents[file.after])
        if kind == "logic":
            return kind
        kinds.add(kind)
    return "docs" if "docs" in kinds else "formatting"

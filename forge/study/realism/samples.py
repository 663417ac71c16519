"""The two sides that are compared: people's fixes undone at their own commits, and made bugs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mirror.choice.limits import Limits
from mirror.choice.sieve import sift
from mirror.history.crawl import crawl_history
from mirror.undo.fixes import Clone
from storage.records import Bug, PullRequest
from syntax.features.features import Side, features_of, sides_of
from syntax.patch_text import apply_patch

HUMAN = "human"
TAKEN = frozenset({"", "no-tests"})
"""Reasons of choosing that leave a fix in: nothing is run here, so it needs no tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One bug as the numbers of its features."""

    repository: str
    strategy: str
    """``human`` for a person's."""
    operator: str = ""
    date: str = ""
    """When a person's fix was merged, ISO."""
    commit: str = ""
    """Of a person's fix."""
    numbers: Mapping[str, float]


def human_samples(
    git_dir: Path, head: str, repository: str, *, pulls: Iterable[PullRequest] = ()
) -> Iterator[Sample]:
    """Yield every fix that closes an issue, undone at its own commit; nothing is run.

    ``pulls`` are those known already; without any the history is crawled. Oldest first. Raises
    GitError.
    """
    known = list(pulls) or list(crawl_history(git_dir, head, repository))
    clone = Clone(git_dir, head)
    for pull, reason in sift(git_dir, head, known, limits=Limits()):
        if reason in TAKEN:
            sample = human_sample(clone, pull)
            if sample is not None:
                yield sample


def human_sample(clone: Clone, pull: PullRequest) -> Sample | None:
    """Undo one fix; None where it changes no code."""
    fix = clone.read_fix(pull.base, pull.commit)
    sides = [Side(path=c.path, before=c.fixed, after=c.before) for c in fix.changes]
    found = features_of(sides)
    if found is None:
        return None
    return Sample(
        repository=pull.repository,
        strategy=HUMAN,
        date=pull.merged,
        commit=pull.commit,
        numbers=found.numbers(),
    )


def made_sample(
    repository: str, bug: Bug, files: Mapping[str, bytes], label: str = ""
) -> Sample | None:
    """Take a made bug, under its strategy's name or a ``label``; None where it changes no code.

    Raises PatchError when it does not apply.
    """
    found = features_of(sides_of(apply_patch(bug.patch, files.get), files))
    if found is None:
        return None
    return Sample(
        repository=repository,
        strategy=label or bug.origin.strategy,
        operator=bug.origin.operator,
        numbers=found.numbers(),
    )

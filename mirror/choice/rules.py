"""Choose which pull requests are worth mirroring: a rule says why one is left out, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mirror.choice.format_changes import Kind
from mirror.choice.limits import Limits
from mirror.history.diffs import FileDiff
from mirror.history.merges import is_line_merge, is_revert
from storage.records import Issue, Link, PullRequest
from syntax.paths import is_source_path, is_test_path

REASONS = {
    "not-merged-here": "its commit is not in this history",
    "revert": "it takes back another change",
    "reverted": "a later change took it back",
    "release": "it makes a release",
    "dependency-bump": "it only brings a dependency up to date",
    "branch-merge": "it brings one line of development up to date with another",
    "no-issue": "nothing says that it closes an issue",
    "late-issue": "the issue was opened after the pull request",
    "bot-issue": "the issue was opened by a program",
    "docs": "it changes documentation only",
    "no-source": "it changes no source file",
    "no-tests": "it adds or changes no test",
    "too-many-files": "it changes more source files than the limit",
    "too-many-lines": "it changes more lines of source than the limit",
    "formatting": "it changes how the source looks, not what it does",
}
"""Why a pull request is left out, in the order in which it is asked."""

DOCS = frozenset({".md", ".rst", ".txt", ".adoc", ".png", ".svg", ".jpg", ".gif", ".css", ".html"})
BUMP = re.compile(
    r"(?:\W*\w+(?:\([^)]*\))?!?:\s*)?(?:bump|pin|upgrade|update)s?\b.*"
    r"(?:\bfrom v?\d\S* to v?\d|\bdependenc|\brequirements?\b|\block[- ]?file"
    r"|\bto v?\d+(?:\.\d+)+\W*$)"
    r"|(?:build|chore|ci)\(deps[^)]*\)!?:.*|.*\bpre-commit autoupdate\b.*",
    re.I,
)
RELEASE = re.compile(
    r"\W*+(?:(?:chore|build)\b(?:\([^)]*+\))?:?\s*+)?"
    r"(?:(?:prepar\w*|cut|make|tag|start|begin)\s+(?:for\s+)?(?:the\s+|a\s+)?(?:new\s+|next\s+)?)?"
    r"(?:(?:pre-)?releas(?:e|ing)\b(?!d)(?:\s+(?:version\s+|of\s+)?v?\d.*|\s*$)"
    r"|(?:bump|set|update)\s+(?:the\s+)?version\b.*|bump(?:ed)?\s+to\s+v?\d.*"
    r"|(?:version\s+)?v?\d+(?:\.\d+)+\S*\s*$"
    r"|pre-\S+ release\b.*)",
    re.I,
)
LONGEST = 300
"""As much of a title is read; GitHub takes 256 letters."""
BUMPERS = re.compile(r"(?:dependabot|renovate|pyup|greenkeeper|pre-commit-ci)\b.*", re.I)
SAID = frozenset({"closing-reference", "keyword"})
"""Evidence by a person's word, not by what the diff brings along."""
BUMP_LABELS = frozenset({"dependencies"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitDiff:
    """What git says of ``base..commit``."""

    files: tuple[FileDiff, ...]
    kind: Kind = "logic"
    """Of the source files together: logic where one of them is."""

    @property
    def source(self) -> tuple[FileDiff, ...]:
        """The source files with a line changed; a file that was only moved has none."""
        return tuple(
            file for file in self.files if is_source_path(file.path) and file.added + file.removed
        )

    @property
    def lines(self) -> int:
        return sum(file.added + file.removed for file in self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceContext:
    """What else is known of the repository."""

    issues: Mapping[tuple[str, int], Issue] = field(default_factory=dict)
    """Those whose text was fetched, by repository and number."""
    pulls: frozenset[int] = frozenset()
    """Numbers of pull requests: none of them is an issue."""
    reverted: frozenset[str] = frozenset()
    """Commits that were taken back."""


def explain_exclusion(
    pull: PullRequest, known: ChoiceContext, limits: Limits, change: CommitDiff | None
) -> str:
    """Return why a pull request is left out; empty for a candidate. ``change`` is None when its
    commit is not in the history."""
    if change is None:
        return "not-merged-here"
    return _no_fix(pull, known) or _no_issue(pull, known) or _wrong_files(change, limits)


def _no_fix(pull: PullRequest, known: ChoiceContext) -> str:
    if is_revert(pull.title, pull.body):
        return "revert"
    if pull.commit in known.reverted:
        return "reverted"
    if RELEASE.fullmatch(pull.title[:LONGEST]):
        return "release"
    if is_bump(pull):
        return "dependency-bump"
    says_so = any(link.evidence in SAID for link in pull.links)
    return "branch-merge" if is_line_merge(pull.title[:LONGEST]) and not says_so else ""


def is_bump(pull: PullRequest) -> bool:
    """Say whether it brings a dependency up to date, by its author, labels or title."""
    labels = {label.lower() for label in pull.labels}
    return bool(
        BUMP_LABELS & labels or BUMPERS.fullmatch(pull.author) or BUMP.match(pull.title[:LONGEST])
    )


def _no_issue(pull: PullRequest, known: ChoiceContext) -> str:
    closes = [
        link
        for link in pull.closes
        if link.repository != pull.repository or link.number not in known.pulls
    ]
    if not closes:
        return "no-issue"
    early = [link for link in closes if not _is_late(link, pull, known)]
    if not early:
        return "late-issue"
    return "bot-issue" if all(_is_by_bot(link, known) for link in early) else ""


def _is_late(link: Link, pull: PullRequest, known: ChoiceContext) -> bool:
    issue = known.issues.get((link.repository, link.number))
    opened = pull.created or pull.merged
    return "late" in link.marks or bool(issue and opened and issue.created > opened)


def _is_by_bot(link: Link, known: ChoiceContext) -> bool:
    issue = known.issues.get((link.repository, link.number))
    return "bot" in link.marks or bool(issue and issue.bot)


def _wrong_files(change: CommitDiff, limits: Limits) -> str:
    if not change.source:
        docs = change.files and all(_is_docs(file.path) for file in change.files)
        return "docs" if docs else "no-source"
    if not any(_is_live_test(file) for file in change.files):
        return "no-tests"
    if len(change.source) > limits.files:
        return "too-many-files"
    if change.lines > limits.lines:
        return "too-many-lines"
    return "" if change.kind == "logic" else change.kind


def _is_docs(path: str) -> bool:
    place = PurePosixPath(path)
    return place.suffix.lower() in DOCS or place.parts[0] in ("doc", "docs")


def _is_live_test(file: FileDiff) -> bool:
    """Say whether a test, or what one reads, is there after the change and not as it was."""
    return bool(file.after and file.before != file.after and is_test_path(file.path))

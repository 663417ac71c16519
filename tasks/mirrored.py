"""The problem statement of a mirrored bug: what people said of it before it was fixed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from storage.records import Comment, Issue, PullRequest
from tasks.giveaway_removal import Cleaned, Removed, clean
from tasks.references import Traces
from tasks.repeats import added_code
from tasks.statements import statement

TEXT_LIMIT = 65_536
"""Characters of one text; GitHub takes no longer ones."""
STATEMENT_LIMIT = 30_000
HINT_LIMIT = 8000
HINTS_LIMIT = 30_000
FEWEST_WORDS = 3
"""A text of fewer says too little to be solved."""
BETWEEN = "\n\n---\n\n"
CUT = "\n\n[…]"
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What a solver is told of a mirrored bug."""

    statement: str
    hints: tuple[str, ...]
    """Comments from before the pull request, oldest first; no part of the statement."""
    removed: tuple[Removed, ...]
    """What was taken out of issues and comments because it gives the fix away."""
    source: Literal["issues", "tests"]
    """What the statement is made of."""


def mirrored_statement(
    pull: PullRequest,
    issues: Sequence[Issue],
    diff: str,
    *,
    name: str,
    failing: Sequence[str],
    messages: Mapping[str, str] | None = None,
) -> Mirrored:
    """Return what is told of a bug that brings back what a pull request fixed.

    ``diff`` is the whole of the fix. Without an issue whose text is known and says something, the
    statement is made of the failing tests: what the pull request says of itself is the solution.
    """
    traces = traces_of(pull, diff)
    told = [cleaned_issue(issue, traces) for issue in issues]
    hints = [
        clean(clean_text(comment.body), traces)
        for issue in issues
        for comment in issue.comments
        if is_before(comment, pull)
    ]
    texts = [each.text for each in told if len(WORD.findall(each.text)) >= FEWEST_WORDS]
    return Mirrored(
        statement=bound_text(BETWEEN.join(texts), STATEMENT_LIMIT) + "\n"
        if texts
        else statement(name, failing, messages),
        hints=tuple(take_within_limit(HINTS_LIMIT, [each.text.strip() for each in hints])),
        removed=tuple(removed for each in [*told, *hints] for removed in each.removed),
        source="issues" if texts else "tests",
    )


def traces_of(pull: PullRequest, diff: str) -> Traces:
    """Return what a fix can be found by."""
    commits = (pull.commit, *pull.commits)
    return Traces(
        repository=pull.repository,
        number=pull.number,
        commits=frozenset(commit.lower() for commit in commits if commit),
        branch=pull.branch,
        author=pull.author,
        code=added_code(diff),
    )


def cleaned_issue(issue: Issue, traces: Traces) -> Cleaned:
    """Return title and body of an issue as one text."""
    title = clean(" ".join(issue.title.split()), traces)
    body = clean(clean_text(issue.body), traces)
    heading = f"# {title.text.strip()}" if title.text.strip() else ""
    text = "\n\n".join(part for part in (heading, body.text.strip()) if part)
    return Cleaned(text, (*title.removed, *body.removed))


def is_before(comment: Comment, pull: PullRequest) -> bool:
    """Say whether a person wrote a comment before the fix could be known.

    Where it is not known when one of the two was written, it does not count as before.
    """
    if comment.bot or comment.author.lower().endswith("[bot]"):
        return False
    written, opened = parse_time(comment.created), parse_time(pull.created or pull.merged)
    return written is not None and opened is not None and written < opened


def parse_time(time: str) -> datetime | None:
    """Read an ISO time; one without a zone is in UTC."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def clean_text(text: str) -> str:
    """Return a text with plain line ends, bounded."""
    return text.replace("\r\n", "\n")[:TEXT_LIMIT]


def take_within_limit(limit: int, texts: Sequence[str]) -> list[str]:
    """Return the texts that are not empty, each bounded, until together they reach a limit."""
    found: list[str] = []
    for text in texts:
        bound = bound_text(text, HINT_LIMIT)
        if bound and sum(map(len, found)) + len(bound) <= limit:
            found.append(bound)
    return found


def bound_text(text: str, limit: int) -> str:
    """Cut a text at the end of a line, or else of a word, and say so."""
    if len(text) <= limit:
        return text
    kept = text[: limit - len(CUT)]
    whole = kept.rpartition("\n")[0] or kept.rpartition(" ")[0] or kept
    return whole.rstrip() + CUT

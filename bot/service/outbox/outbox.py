"""What is to stand on GitHub, as jobs of the outbox: the newest of a subject wins."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

OUTBOX = "outbox"
"""Writes to GitHub. A job's payload is what is to stand there."""
COMMENT, CHECK, ISSUE = "comment", "check", "issue"


class MarkedComment(Struct, frozen=True, kw_only=True):
    """The one comment of ours with this marker under an issue or pull request."""

    number: int
    marker: str
    body: str


class CheckAnnotation(Struct, frozen=True, kw_only=True):
    """A remark beside lines of a file."""

    path: str
    start_line: int
    end_line: int
    level: str
    """``notice``, ``warning`` or ``failure``."""
    title: str
    message: str


class CommitCheck(Struct, frozen=True, kw_only=True):
    """A check run on a commit."""

    head_sha: str
    name: str
    conclusion: str
    """``success``, ``neutral`` …; empty while it is under way."""
    title: str
    summary: str
    text: str = ""
    annotations: tuple[CheckAnnotation, ...] = ()


class MarkedIssue(Struct, frozen=True, kw_only=True):
    """The issue of ours with this marker, kept up to date."""

    marker: str
    title: str
    body: str
    reopen: bool = False
    quiet: bool = False
    """Nothing is made of it where no such issue stands yet."""


def comment_job(hosted: Hosted, comment: MarkedComment) -> NewJob:
    """Return the job that has a comment stand there."""
    return _job(hosted, COMMENT, f"{hosted.id}:{comment.number}:{comment.marker}", comment)


def check_job(hosted: Hosted, check: CommitCheck) -> NewJob:
    """Return the job that has a check run stand there."""
    return _job(hosted, CHECK, f"{hosted.id}:{check.head_sha}:{check.name}", check)


def issue_job(hosted: Hosted, report: MarkedIssue) -> NewJob:
    """Return the job that has an issue stand there."""
    return _job(hosted, ISSUE, f"{hosted.id}:{report.marker}", report)


def _job(hosted: Hosted, kind: str, subject: str, said: Struct) -> NewJob:
    return NewJob(
        queue=OUTBOX,
        kind=kind,
        subject=subject,
        payload=msgspec.json.encode(said).decode(),
        repository=hosted.id,
        installation=hosted.installation,
        lane=f"outbox:{kind}:{subject}",
    )

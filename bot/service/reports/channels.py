"""How a repository's report reaches its maintainers: as an issue, as a check run, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from bot.service.outbox.outbox import (
    CheckAnnotation,
    CommitCheck,
    MarkedIssue,
    check_job,
    issue_job,
)
from bot.service.reports.plain import MOST_BYTES, fit_parts, visible
from bot.service.repositories.wishes import wishes_of
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob

CONFIG = ".github/bugfoundry.yml"
MARKER = "report"
CHECK_NAME = "bugfoundry: test gaps"
MOST_ANNOTATED = 60_000
"""Bytes of an annotation; GitHub takes 64 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDraft:
    """A report before it is fitted into anything."""

    title: str
    headline: str
    """What it comes to, in a line."""
    intro: str
    parts: tuple[str, ...]
    """Sections in their order; the last are left out where there is no room."""
    rest: str
    """Says how many are left out."""
    footer: str
    annotations: tuple[CheckAnnotation, ...] = ()
    empty: bool = False
    """There is nothing that anybody should do."""

    @property
    def body(self) -> str:
        """The report as one text within GitHub's bounds."""
        room = MOST_BYTES - len(self.intro.encode()) - len(self.footer.encode()) - 4
        middle = fit_parts(self.parts, self.rest, room)
        return "\n\n".join(text for text in (self.intro, middle, self.footer) if text)


def report_jobs(hosted: Hosted, commit: str, draft: ReportDraft) -> tuple[NewJob, ...]:
    """Return the jobs that have a report stand where the maintainers want it."""
    way = wishes_of(hosted).report
    if way == "issue":
        report = MarkedIssue(marker=MARKER, title=draft.title, body=draft.body, quiet=draft.empty)
        return (issue_job(hosted, report),)
    if way == "check":
        return (check_job(hosted, check_of(draft, commit)),)
    return ()


def check_of(draft: ReportDraft, commit: str) -> CommitCheck:
    """Return a report as a check run, which never says that a change is bad."""
    return CommitCheck(
        head_sha=commit,
        name=CHECK_NAME,
        conclusion="success" if draft.empty else "neutral",
        title=draft.headline,
        summary=f"{draft.intro}\n\n{draft.footer}",
        text=fit_parts(draft.parts, draft.rest),
        annotations=tuple(plain(one) for one in draft.annotations),
    )


def plain(one: CheckAnnotation) -> CheckAnnotation:
    """Return a remark without secrets and hidden characters, within GitHub's bounds."""
    message = visible(one.message).encode()[:MOST_ANNOTATED].decode(errors="ignore")
    return CheckAnnotation(
        path=one.path,
        start_line=one.start_line,
        end_line=one.end_line,
        level=one.level,
        title=visible(one.title)[:255],
        message=message,
    )

"""Has what the outbox holds stand on GitHub: what is there is edited, what says so already is left.

The state of the repository is read at the moment of writing: who opted out meanwhile is not
written to.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from bot.service.base.allowance import look_up
from bot.service.base.scene import Handler, Outcome, Scene
from bot.service.outbox.outbox import CheckAnnotation, CommitCheck, MarkedComment, MarkedIssue
from mirror.github import checks
from mirror.github.checks import Conclusion, Level, put_check_run
from mirror.github.client import GitHub
from mirror.github.writes import put_comment, put_issue
from storage.errors import GitHubForbidden, GitHubGone, GitHubSuspended
from storage.records import digest
from storage.tables.hosted import GitHubWrite, Hosted
from storage.tables.jobs import Job

log = logging.getLogger(__name__)

UNCHANGED = "it says so already"
FORBIDDEN = (
    "{error}; the App needs the permission {permission} there: its owner has to accept it, on the "
    "page of the installation"
)
OFF = "{error}; where issues are switched off, `report: check` in .github/bugfoundry.yml helps"

Said = TypeVar("Said", bound=Struct)
Send = Callable[[GitHub, Hosted, Said, int], Awaitable[int]]
"""Has something stand there, given GitHub's number of what stood there; returns that of it now."""


def sender(kind: type[Said], send: Send[Said], *, permission: str) -> Handler:
    """Return the handler of one kind of thing that is written."""

    async def handler(job: Job, scene: Scene) -> Outcome:
        hosted, why = await scene.keeper(lambda store: look_up(store, job.repository))
        if hosted is None or why:
            return Outcome(note=f"not written: {why}")
        said = msgspec.json.decode(job.payload, type=kind)
        key, says = f"{job.kind}:{job.subject}", digest(job.payload)
        before = await scene.keeper(lambda store: store.hosted.get_write(key))
        if before is not None and before.digest == says:
            return Outcome(note=UNCHANGED)
        github = scene.hub.installation(hosted.installation)
        try:
            number = await send(github, hosted, said, before.number if before else 0)
        except GitHubSuspended as error:
            return Outcome(note=f"not written: {error}")
        except GitHubForbidden as error:
            raise GitHubForbidden(FORBIDDEN.format(error=error, permission=permission)) from error
        except GitHubGone as error:
            raise GitHubGone(OFF.format(error=error)) from error
        written = GitHubWrite(
            key=key, repository=hosted.id, number=number, digest=says, since=scene.clock()
        )
        return Outcome(note=f"written: {number}", changes=(lambda s: s.hosted.write(written),))

    return handler


async def _comment(github: GitHub, hosted: Hosted, said: MarkedComment, before: int) -> int:
    return await put_comment(
        github,
        hosted.name,
        said.number,
        marker=said.marker,
        body=said.body,
        known=before,
    )


async def _issue(github: GitHub, hosted: Hosted, said: MarkedIssue, before: int) -> int:
    if said.quiet and not before:
        return 0
    return await put_issue(
        github,
        hosted.name,
        marker=said.marker,
        title=said.title,
        body=said.body,
        reopen=said.reopen,
        known=before,
    )


async def _check(github: GitHub, hosted: Hosted, said: CommitCheck, before: int) -> int:
    return await put_check_run(
        github,
        hosted.name,
        said.head_sha,
        name=said.name,
        external_id=f"bugfoundry:{said.name}",
        status="completed" if said.conclusion else "in_progress",
        conclusion=cast("Conclusion", said.conclusion) if said.conclusion else None,
        title=said.title,
        summary=said.summary,
        text=said.text,
        annotations=[_annotation(one) for one in said.annotations],
    )


def _annotation(one: CheckAnnotation) -> checks.LineAnnotation:
    return checks.LineAnnotation(
        path=one.path,
        start=one.start_line,
        end=one.end_line,
        level=cast("Level", one.level),
        title=one.title,
        message=one.message,
    )


send_comment = sender(MarkedComment, _comment, permission="issues: write and pull requests: write")
send_issue = sender(MarkedIssue, _issue, permission="issues: write")
send_check = sender(CommitCheck, _check, permission="checks: write")

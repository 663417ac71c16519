"""What the outbox holds comes to stand on GitHub: once, and only where it is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.service.app.queues import LIGHT
from bot.service.outbox.outbox import (
    CheckAnnotation,
    CommitCheck,
    MarkedComment,
    MarkedIssue,
    check_job,
    comment_job,
    issue_job,
)
from storage.tables.jobs import Job, NewJob
from tests.bot.service.worked import Service, service_of
from tests.furniture.github_world.faults import Fault, bad_gateway, lost

if TYPE_CHECKING:
    from tests.furniture.github_world import World
    from tests.furniture.github_world.state import CheckRun, Issue

pytestmark = pytest.mark.github

REPORT = MarkedIssue(marker="report", title="What no test notices", body="Nothing.")


@pytest.fixture
async def service(world: World, tmp_path: Path) -> AsyncIterator[Service]:
    async with service_of(world, tmp_path) as made:
        yield made


def comment(service: Service, body: str = "Done.") -> MarkedComment:
    return MarkedComment(number=service.shop.fix.number, marker="answer", body=body)


def check(service: Service, *, annotations: int = 0, conclusion: str = "neutral") -> CommitCheck:
    return CommitCheck(
        head_sha=service.shop.head,
        name="bugfoundry: test gaps",
        conclusion=conclusion,
        title="2 bugs",
        summary="Two.",
        annotations=tuple(
            CheckAnnotation(
                path="src/shop/__init__.py",
                start_line=n + 1,
                end_line=n + 1,
                level="notice",
                title="No test would notice",
                message=f"Line {n + 1}",
            )
            for n in range(annotations)
        ),
    )


async def sent(service: Service, job: NewJob) -> Job:
    """Ask for something to be written, and return the job once the outbox is done with it."""
    await service.ask(job)
    await service.send()
    return await service.job(job.kind, job.subject)


def ours(service: Service) -> list[Issue]:
    found = service.shop.repository.threads.values()
    return [one for one in found if one.author is service.app.bot]


def comments(service: Service) -> list[str]:
    return [one.body for one in service.shop.fix.comments]


def checks(service: Service) -> list[CheckRun]:
    return service.shop.repository.checks


async def test_a_comment_is_written_and_then_edited_in_place(service: Service) -> None:
    hosted = await service.hosted()
    for body in ("Begun.", "Done."):
        job = await sent(service, comment_job(hosted, comment(service, body)))
        assert job.state == "done"

    [said] = comments(service)
    assert "Done." in said
    assert "Begun." not in said


async def test_an_issue_is_kept_up_to_date(service: Service) -> None:
    hosted = await service.hosted()
    for body in ("One.", "Two."):
        await sent(service, issue_job(hosted, replace_body(body)))

    [issue] = ours(service)
    assert "Two." in issue.body


def replace_body(body: str) -> MarkedIssue:
    return MarkedIssue(marker=REPORT.marker, title=REPORT.title, body=body)


async def test_a_check_run_stands_there_with_all_its_annotations(service: Service) -> None:
    hosted = await service.hosted()
    await sent(service, check_job(hosted, check(service, annotations=120)))

    [run] = checks(service)
    assert (run.status, run.conclusion) == ("completed", "neutral")
    assert len(run.annotations) == 120


async def test_what_says_so_already_is_not_asked_after(service: Service, world: World) -> None:
    hosted = await service.hosted()
    await sent(service, issue_job(hosted, REPORT))
    before = len(world.asked)

    job = await sent(service, issue_job(hosted, REPORT))

    assert job.note == "it says so already"
    assert len(world.asked) == before


@pytest.mark.parametrize("fault", [bad_gateway(after=True), lost(after=True)])
async def test_a_write_whose_answer_is_lost_happens_once(
    service: Service, world: World, fault: Fault
) -> None:
    hosted = await service.hosted()
    for where, job in (
        ("/comments", comment_job(hosted, comment(service))),
        ("/issues", issue_job(hosted, REPORT)),
        ("/check-runs", check_job(hosted, check(service, annotations=60))),
    ):
        world.faults.add(fault, where=where, method="POST")
        assert (await sent(service, job)).state == "done"
        assert not world.faults.left

    assert len(comments(service)) == 1
    assert len(ours(service)) == 1
    assert len(checks(service)) == 1
    assert len(checks(service)[0].annotations) == 60


async def test_killed_after_the_write_it_is_not_written_again(service: Service) -> None:
    hosted = await service.hosted()
    jobs = (
        comment_job(hosted, comment(service)),
        issue_job(hosted, REPORT),
        check_job(hosted, check(service, annotations=60)),
    )
    for job in jobs:
        await service.ask(job)
        [claimed] = await service.scene.keeper(
            lambda s: s.jobs.claim("outbox", "dead", now=service.scene.clock(), lease=1)
        )
        # What this came to is lost with its worker.
        await LIGHT["outbox"][job.kind](claimed, service.scene)
    now = service.scene.clock()
    await service.scene.keeper(lambda s: s.jobs.expire(now=now, most=5, worker="dead"))
    await service.send()

    assert [len(comments(service)), len(ours(service)), len(checks(service))] == [1, 1, 1]
    assert len(checks(service)[0].annotations) == 60
    for job in jobs:
        assert (await service.job(job.kind, job.subject)).state == "done"


async def nothing_stands(service: Service) -> None:
    assert not comments(service)
    assert not ours(service)
    assert not checks(service)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"opted_in": False}, "it is not opted in"),
        ({"state": "archived"}, "it is archived"),
        ({"state": "gone"}, "it is gone"),
        ({"state": "suspended"}, "it is suspended"),
    ],
)
async def test_where_it_is_not_wanted_by_now_nothing_is_written(
    service: Service, world: World, changed: dict[str, object], why: str
) -> None:
    hosted = await service.hosted()
    await service.set(**changed)
    before = len(world.asked)
    for job in (comment_job(hosted, comment(service)), issue_job(hosted, REPORT),
                check_job(hosted, check(service))):  # fmt: skip
        assert (await sent(service, job)).note == f"not written: {why}"

    await nothing_stands(service)
    assert len(world.asked) == before


async def test_under_a_suspended_installation_nothing_is_written(
    service: Service, world: World
) -> None:
    hosted = await service.hosted()
    world.suspend(service.installed)

    job = await sent(service, issue_job(hosted, REPORT))

    assert job.state == "done"
    assert "suspended" in job.note
    await nothing_stands(service)


async def test_a_suspended_installation_that_we_know_of_is_not_asked(
    service: Service, world: World
) -> None:
    hosted = await service.hosted()
    known = await service.scene.keeper(lambda s: s.hosted.installation(hosted.installation))
    assert known is not None
    suspended = replace(known, state="suspended")
    await service.scene.keeper(lambda s: s.hosted.put_installation(suspended))
    before = len(world.asked)

    job = await sent(service, issue_job(hosted, REPORT))

    assert job.note == "not written: the installation is suspended"
    assert len(world.asked) == before


async def test_a_missing_permission_is_a_dead_letter_that_names_it(
    service: Service, world: World
) -> None:
    hosted = await service.hosted()
    world.accept_permissions(service.installed, {"contents": "read", "issues": "read"})

    job = await sent(service, check_job(hosted, check(service)))

    assert (job.state, job.attempts) == ("failed", 1)
    assert "needs the permission checks: write" in job.error


async def test_no_news_makes_no_issue_but_ends_one_that_stands(service: Service) -> None:
    hosted = await service.hosted()
    none = MarkedIssue(marker="report", title="t", body="None is left.", quiet=True)
    await sent(service, issue_job(hosted, none))
    assert not ours(service)

    await sent(service, issue_job(hosted, REPORT))
    await sent(service, issue_job(hosted, none))

    [issue] = ours(service)
    assert "None is left." in issue.body


async def test_a_report_that_somebody_closed_is_edited_and_stays_closed(service: Service) -> None:
    hosted = await service.hosted()
    await sent(service, issue_job(hosted, REPORT))
    [issue] = ours(service)
    issue.state = "CLOSED"

    await sent(service, issue_job(hosted, replace_body("Two.")))

    assert issue.state == "CLOSED"
    assert "Two." in issue.body


async def test_a_repository_that_was_renamed_is_written_to(service: Service, world: World) -> None:
    hosted = await service.hosted()
    world.rename(service.shop.repository, "store")
    await service.set(name="acme/store")

    job = await sent(service, issue_job(hosted, REPORT))

    assert job.state == "done"
    assert len(ours(service)) == 1

"""Commands in comments, and who is heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.service.handlers.comment_commands import (
    HELP,
    MIRRORED,
    NOT_A_PULL,
    NOTHING_FAILED,
    SKIPPED,
)

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import Code, Installation, Pull, Repository, User

pytestmark = pytest.mark.github


@pytest.fixture
def pull(opted: Serving, repository: Repository) -> Pull:
    return opted.world.merge(opted.world.pull(repository))


@pytest.fixture
def ann(opted: Serving, repository: Repository) -> User:
    return opted.world.collaborator(repository, "ann", "write")


async def say(opted: Serving, pull: Pull, text: str, *, by: User) -> str:
    opted.world.comment(pull, text, by=by)
    await opted.told()
    return await opted.said(pull.number)


async def test_mirror_has_a_pull_request_mirrored_next(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    said = await say(opted, pull, "Nice!\n\n/bugfoundry mirror\n", by=ann)

    assert said.startswith(MIRRORED)
    assert f"pull {repository.id}:{pull.number}" in await opted.work()
    [mark] = await opted.store(lambda s: s.hosted.marks(repository.id))
    assert (mark.number, mark.mark, mark.by) == (pull.number, "wanted", "comment ann")
    await opted.handled_well()


async def test_skip_keeps_one_out_until_mirror_is_said_whatever_labels_it_has_not(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    assert (await say(opted, pull, "/bugfoundry skip", by=ann)).startswith(SKIPPED)
    await opted.reconciled()
    [mark] = await opted.store(lambda s: s.hosted.marks(repository.id))
    assert (mark.mark, mark.by) == ("skip", "comment ann")
    [job] = await opted.jobs("pull")
    assert job.state == "cancelled"

    await say(opted, pull, "/bugfoundry mirror", by=ann)
    [mark] = await opted.store(lambda s: s.hosted.marks(repository.id))
    assert mark.mark == "wanted"


async def test_status_tells_how_far_things_are_and_what_is_wrong_with_the_settings(
    opted: Serving, repository: Repository, code: Code, pull: Pull, ann: User
) -> None:
    code.commit({".github/bugfoundry.yml": "report: '@everyone'\n"})
    said = await say(opted, pull, "/bugfoundry status", by=ann)

    assert "| commit that serves | none yet |" in said
    assert "| to be done | environment, pull |" in said
    assert "`.github/bugfoundry.yml: 'report' must be" in said
    assert "not '@everyone'`" in said


async def test_retry_begins_again_what_failed(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    assert NOTHING_FAILED in await say(opted, pull, "/bugfoundry retry", by=ann)
    now = opted.world.clock.now
    jobs = await opted.store(lambda s: s.jobs.claim("work", "t", now=now, lease=60, most=9))
    for job in jobs:
        await opted.store(lambda s, job=job: s.jobs.fail(job, "no", now=now, retry_in=None))

    assert "Tried again: " in await say(opted, pull, "/bugfoundry retry", by=ann)
    assert {job.state for job in await opted.jobs("environment")} == {"waiting"}


async def test_help_and_words_that_are_no_command_are_answered_with_what_can_be_said(
    opted: Serving, pull: Pull, ann: User
) -> None:
    assert await say(opted, pull, "/bugfoundry", by=ann) == HELP
    said = await say(opted, pull, "/bugfoundry @octo/all<b>", by=ann)
    assert said == f"There is no command `@octo/all<b>`.\n\n{HELP}"


async def test_one_comment_answers_all_and_there_is_never_a_second(
    opted: Serving, pull: Pull, ann: User
) -> None:
    for word in ("help", "status", "skip", "retry", "mirror"):
        opted.world.comment(pull, f"/bugfoundry {word}", by=ann)
    await opted.told()

    assert len(await opted.jobs("comment")) == 1


async def test_what_concerns_pull_requests_is_answered_so_on_an_issue(
    opted: Serving, repository: Repository, ann: User
) -> None:
    issue = opted.world.issue(repository)
    opted.world.comment(issue, "/bugfoundry mirror", by=ann)
    await opted.told()

    assert (await opted.said(issue.number)).startswith(NOT_A_PULL)


@pytest.mark.parametrize("role", ["none", "read", "triage"])
async def test_who_may_not_write_gets_no_answer(
    opted: Serving, repository: Repository, pull: Pull, role: str
) -> None:
    somebody = opted.world.collaborator(repository, "somebody", role)

    assert await say(opted, pull, "/bugfoundry status", by=somebody) == ""


async def test_a_maintainer_who_lost_the_right_since_is_not_heard(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    opted.world.comment(pull, "/bugfoundry mirror", by=ann)
    opted.world.collaborator(repository, "ann", "read")
    await opted.told()

    assert await opted.said(pull.number) == ""


async def test_programs_and_the_app_itself_are_not_heard(opted: Serving, pull: Pull) -> None:
    helper = opted.world.user("helper", "Bot")
    assert await say(opted, pull, "/bugfoundry status", by=helper) == ""
    assert await say(opted, pull, "/bugfoundry status", by=opted.app.bot) == ""


async def test_in_a_repository_that_did_not_opt_in_nobody_is_answered(
    served: Serving, repository: Repository
) -> None:
    issue = served.world.issue(repository)
    served.world.comment(issue, "/bugfoundry help", by=served.world.user("maintainer"))
    await served.told()

    assert await served.jobs("comment") == []


@pytest.mark.parametrize(
    "text",
    [
        "> /bugfoundry mirror",
        "> they said\n/bugfoundry mirror",
        "```\n/bugfoundry mirror\n```",
        "<!--\n/bugfoundry mirror\n-->",
        "please say /bugfoundry mirror",
        "/bugfoundrys mirror",
    ],
)
async def test_quoted_and_shown_commands_are_none(
    opted: Serving, pull: Pull, ann: User, text: str
) -> None:
    assert await say(opted, pull, text, by=ann) == ""


async def test_a_comment_is_answered_once_however_often_it_is_told_or_edited(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    comment = opted.world.comment(pull, "/bugfoundry skip", by=ann)
    [created] = [one for one in opted.world.hooks.pending if one.event == "issue_comment"]
    await opted.told()
    await say(opted, pull, "/bugfoundry mirror", by=ann)

    opted.world.hooks.again(created)
    opted.world.edit_comment(pull, comment, "/bugfoundry skip, please", by=ann)
    await opted.told()
    [mark] = await opted.store(lambda s: s.hosted.marks(repository.id))
    assert mark.mark == "wanted"


async def test_a_command_that_an_edit_brings_counts_and_one_that_it_takes_away_does_not(
    opted: Serving, repository: Repository, pull: Pull, ann: User
) -> None:
    gone = opted.world.comment(pull, "/bugfoundry skip", by=ann)
    opted.world.edit_comment(pull, gone, "never mind", by=ann)
    await opted.told()
    assert await opted.store(lambda s: s.hosted.marks(repository.id)) == []

    late = opted.world.comment(pull, "/bugfoundy skip", by=ann)
    opted.world.edit_comment(pull, late, "/bugfoundry skip", by=ann)
    await opted.told()
    assert len(await opted.store(lambda s: s.hosted.marks(repository.id))) == 1


async def test_a_comment_that_was_deleted_is_not_answered(
    opted: Serving, pull: Pull, ann: User
) -> None:
    comment = opted.world.comment(pull, "/bugfoundry status", by=ann)
    opted.world.delete_comment(pull, comment)
    await opted.told()

    assert await opted.jobs("comment") == []
    await opted.handled_well()


async def test_somebody_elses_comment_that_a_maintainer_edits_is_still_somebody_elses(
    opted: Serving, pull: Pull, ann: User
) -> None:
    comment = opted.world.comment(pull, "hello", by=opted.world.user("stranger"))
    opted.world.edit_comment(pull, comment, "/bugfoundry mirror", by=ann)
    await opted.told()

    assert await opted.said(pull.number) == ""


async def test_an_installation_that_we_know_to_be_suspended_hears_no_command(
    opted: Serving, installation: Installation, pull: Pull, ann: User
) -> None:
    await opted.told()
    known = await opted.store(lambda s: s.hosted.installation(installation.id))
    assert known is not None
    # Its repositories are looked at one by one: this one is not yet known to rest.
    suspended = replace(known, state="suspended")
    await opted.store(lambda s: s.hosted.put_installation(suspended))
    before = len(opted.world.asked)

    assert await say(opted, pull, "/bugfoundry mirror", by=ann) == ""
    assert await opted.store(lambda s: s.hosted.marks(pull.repository.id)) == []
    assert len(opted.world.asked) == before

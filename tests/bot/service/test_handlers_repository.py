"""Repositories that change as a whole, and code that moves on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.service.base.allowance import may_write
from bot.service.repositories.optin import GONE
from bot.service.repositories.refresh import LOOKED_SINCE
from storage.records import PullRequest

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import Code, Installation, Repository

pytestmark = pytest.mark.github
DAY = 86400.0


async def built(opted: Serving, repository: Repository, *, days_ago: float = 0.0) -> float:
    """Have an environment of the present head, and return when it was made."""
    hosted = await opted.hosted(repository)
    at = opted.world.clock.now - days_ago * DAY
    present = replace(hosted, commit=hosted.head, tree="t", built=at)
    await opted.store(lambda s: s.hosted.put_repository(present))
    now = opted.world.clock.now
    [job] = await opted.store(lambda s: s.jobs.claim("work", "test", now=now, lease=60))
    await opted.store(lambda s: s.jobs.finish(job, now=at))
    return at


async def test_a_push_marks_the_commit_stale_and_has_it_built_a_week_after_the_last(
    opted: Serving, repository: Repository, code: Code
) -> None:
    at = await built(opted, repository, days_ago=2)
    assert not (await opted.hosted(repository)).stale

    code.commit({"a.py": "a = 2\n"})
    code.commit({"a.py": "a = 3\n"})
    await opted.told()

    hosted = await opted.hosted(repository)
    assert hosted.stale
    assert hosted.head == code.tip("main")
    [job] = await opted.jobs("environment")
    assert (job.state, job.due) == ("waiting", at + 7 * DAY)


async def test_a_push_weeks_after_the_last_build_has_it_built_at_once(
    opted: Serving, repository: Repository, code: Code
) -> None:
    await built(opted, repository, days_ago=30)
    code.commit({"a.py": "a = 2\n"})
    await opted.told()

    [job] = await opted.jobs("environment")
    assert job.state == "waiting"
    assert job.due <= opted.world.clock.now


async def test_a_push_while_an_environment_is_built_does_not_build_it_twice(
    opted: Serving, repository: Repository, code: Code
) -> None:
    now = opted.world.clock.now
    [job] = await opted.store(lambda s: s.jobs.claim("work", "test", now=now, lease=600))
    code.commit({"a.py": "a = 2\n"})
    await opted.told()

    await opted.store(lambda s: s.jobs.finish(job, now=now))
    assert [each.state for each in await opted.jobs("environment")] == ["done"]


async def test_a_push_is_looked_at_once(opted: Serving, repository: Repository, code: Code) -> None:
    code.commit({"a.py": "a = 2\n"})
    before = len(opted.world.asked)
    await opted.told()

    asked = [one.path for one in opted.world.asked[before:]]
    assert asked.count("/repos/octo/thing/branches/main") == 1


async def test_of_many_pushes_that_waited_one_look_sees_all(
    opted: Serving, repository: Repository, code: Code
) -> None:
    for number in range(5):
        code.commit({"a.py": f"a = {number}\n"})
    before = len(opted.world.asked)
    await opted.told_late()

    assert (await opted.hosted(repository)).head == code.tip("main")
    asked = [one.path for one in opted.world.asked[before:]]
    assert asked.count("/repos/octo/thing/branches/main") == 1
    deliveries = await opted.jobs("delivery", state="done")
    assert [job.note for job in deliveries[-4:]] == [LOOKED_SINCE] * 4

    code.commit({"a.py": "a = 9\n"})
    await opted.told()
    assert (await opted.hosted(repository)).head == code.tip("main")


async def test_pushes_to_other_branches_and_to_what_is_not_opted_in_are_ignored(
    served: Serving, repository: Repository, code: Code
) -> None:
    asked = len(served.world.asked)
    code.commit({"a.py": "a = 2\n"})
    await served.told()
    assert len(served.world.asked) == asked

    served.world.create_label(repository, "bugfoundry")
    await served.told()
    asked = len(served.world.asked)
    code.commit({"a.py": "a = 3\n"}, branch="other")
    await served.told()
    assert len(served.world.asked) == asked


async def test_a_renamed_repository_keeps_what_is_known_under_its_new_name(
    opted: Serving, repository: Repository
) -> None:
    pull = PullRequest(
        repository="octo/thing", commit="c" * 40, base="b" * 40, number=3, title="Fix",
        origin="github",
    )  # fmt: skip
    await opted.store(lambda s: s.pulls.add([pull]))

    opted.world.rename(repository, "better")
    await opted.told()

    hosted = await opted.hosted(repository)
    assert (hosted.name, hosted.opted_in) == ("octo/better", True)
    assert await opted.store(lambda s: [p.number for p in s.pulls.all("octo/better")]) == [3]
    assert await opted.store(lambda s: s.pulls.all("octo/thing")) == []


async def test_a_repository_moved_to_where_the_app_is_not_is_gone(
    opted: Serving, repository: Repository
) -> None:
    opted.world.transfer(repository, opted.world.user("elsewhere", "Organization"))
    await opted.told()

    hosted = await opted.hosted(repository)
    assert (hosted.state, hosted.opted_in, hosted.because) == ("gone", False, GONE)
    assert await opted.work() == []


@pytest.mark.parametrize("order", range(3))
async def test_a_repository_moved_to_where_the_app_is_too_goes_on(
    opted: Serving, repository: Repository, order: int
) -> None:
    elsewhere = opted.world.user("elsewhere", "Organization")
    there = opted.world.install(opted.app, elsewhere)
    opted.world.transfer(repository, elsewhere)
    await opted.told(shuffled=order)

    hosted = await opted.hosted(repository)
    assert (hosted.name, hosted.installation) == ("elsewhere/thing", there.id)
    assert may_write(hosted)
    assert await opted.work() == [f"environment {repository.id}"]


async def test_an_archived_repository_rests_and_goes_on_when_it_is_taken_out(
    opted: Serving, repository: Repository
) -> None:
    opted.world.archive(repository)
    await opted.told()
    hosted = await opted.hosted(repository)
    assert (hosted.state, hosted.opted_in, may_write(hosted)) == ("archived", True, False)
    assert await opted.work() == []

    opted.world.archive(repository, False)
    await opted.told()
    assert may_write(await opted.hosted(repository))
    assert await opted.work() == [f"environment {repository.id}"]


async def test_what_becomes_private_or_public_is_known_as_that(
    opted: Serving, repository: Repository
) -> None:
    opted.world.privatize(repository)
    await opted.told()
    assert (await opted.hosted(repository)).private

    opted.world.privatize(repository, False)
    await opted.told()
    assert not (await opted.hosted(repository)).private


async def test_another_default_branch_is_followed(
    opted: Serving, repository: Repository, code: Code
) -> None:
    code.commit({"b.py": "b = 1\n"}, branch="trunk")
    opted.world.change_default_branch(repository, "trunk")
    await opted.told()

    hosted = await opted.hosted(repository)
    assert (hosted.default_branch, hosted.head) == ("trunk", code.tip("trunk"))


async def test_a_deleted_repository_is_gone_and_so_is_every_event_of_it(
    opted: Serving, repository: Repository, code: Code
) -> None:
    code.commit({"a.py": "a = 2\n"})
    pull = opted.world.pull(repository)
    opted.world.label(pull, "bugfoundry")
    opted.world.comment(pull, "/bugfoundry status", by=opted.world.user("maintainer"))
    opted.world.merge(pull)
    opted.world.delete_repository(repository)
    await opted.told(shuffled=1)

    hosted = await opted.hosted(repository)
    assert (hosted.state, hosted.opted_in) == ("gone", False)
    assert await opted.work() == []
    await opted.handled_well()


async def test_a_repository_that_the_law_hides_is_gone(
    opted: Serving, repository: Repository
) -> None:
    repository.blocked = True
    await opted.reconciled()

    assert (await opted.hosted(repository)).state == "gone"


async def test_a_repository_that_the_installation_no_longer_has_is_gone_though_it_is_public(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    other = opted.world.repository("octo/other")
    opted.world.add_repositories(installation, other)
    opted.world.remove_repositories(installation, repository)
    await opted.told()

    assert (await opted.hosted(repository)).state == "gone"
    assert (await opted.hosted(other)).state == "active"

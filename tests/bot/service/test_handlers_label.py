"""A label opts a repository in and out, whatever way and in whatever order it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.service.repositories.optin import LABELLED, UNLABELLED, UNTRUSTED

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import Code, Repository

pytestmark = pytest.mark.github


async def test_an_installed_repository_is_not_opted_in_and_nothing_is_done(
    served: Serving, repository: Repository
) -> None:
    hosted = await served.hosted(repository)

    assert (hosted.name, hosted.opted_in, hosted.because) == ("octo/thing", False, UNLABELLED)
    assert await served.work() == []
    await served.handled_well()


async def test_the_label_opts_in_and_work_begins(
    opted: Serving, repository: Repository, code: Code
) -> None:
    hosted = await opted.hosted(repository)

    assert (hosted.opted_in, hosted.because) == (True, LABELLED)
    assert hosted.head == code.tip("main")
    assert await opted.work() == [f"environment {repository.id}"]
    await opted.handled_well()


async def test_deleting_the_label_opts_out_and_ends_the_work(
    opted: Serving, repository: Repository
) -> None:
    opted.world.delete_label(repository, "bugfoundry")
    await opted.told()

    hosted = await opted.hosted(repository)
    assert (hosted.opted_in, hosted.because) == (False, UNLABELLED)
    [job] = await opted.jobs("environment")
    assert (job.state, job.note) == ("cancelled", UNLABELLED)


async def test_renaming_a_label_to_ours_opts_in_and_from_ours_out(
    served: Serving, repository: Repository
) -> None:
    served.world.create_label(repository, "bugs")
    served.world.edit_label(repository, "bugs", new_name="BugFoundry")
    await served.told()
    assert (await served.hosted(repository)).opted_in

    served.world.edit_label(repository, "bugfoundry", new_name="something else")
    await served.told()
    assert not (await served.hosted(repository)).opted_in


async def test_another_label_is_not_even_looked_at(served: Serving, repository: Repository) -> None:
    asked = len(served.world.asked)
    served.world.create_label(repository, "bugfoundry: skip")
    served.world.create_label(repository, "good first bug")
    await served.told()

    assert len(served.world.asked) == asked


@pytest.mark.parametrize("order", range(4))
async def test_the_order_of_deliveries_does_not_matter(
    served: Serving, repository: Repository, order: int
) -> None:
    for _ in range(3):
        served.world.create_label(repository, "bugfoundry")
        served.world.delete_label(repository, "bugfoundry")
    await served.told(shuffled=order)
    assert not (await served.hosted(repository)).opted_in

    served.world.create_label(repository, "bugfoundry")
    served.world.delete_label(repository, "bugfoundry")
    served.world.create_label(repository, "bugfoundry")
    await served.told(shuffled=order)
    assert (await served.hosted(repository)).opted_in


async def test_the_same_delivery_twice_or_replayed_later_does_nothing_twice(
    served: Serving, repository: Repository
) -> None:
    served.world.create_label(repository, "bugfoundry")
    [created] = served.world.hooks.pending
    await served.told()
    before = await served.hosted(repository)

    await served.world.hooks.send(created)
    served.world.hooks.again(created)
    await served.told()

    after = await served.hosted(repository)
    assert (after.opted_in, after.since) == (before.opted_in, before.since)
    assert len(await served.jobs("environment")) == 1

    served.world.delete_label(repository, "bugfoundry")
    await served.told()
    served.world.hooks.again(created)
    await served.told()
    assert not (await served.hosted(repository)).opted_in


async def test_of_labels_told_late_each_maker_counts_until_one_is_trusted(
    served: Serving, repository: Repository
) -> None:
    mallory = served.world.collaborator(repository, "mallory", "read")
    for by in (mallory, None, mallory, None):
        served.world.create_label(repository, "bugfoundry", by=by)
        if by is not None:
            served.world.delete_label(repository, "bugfoundry", by=by)
        else:
            served.world.edit_label(repository, "bugfoundry", new_name="other", by=by)
            served.world.edit_label(repository, "other", new_name="bugfoundry", by=by)
            served.world.delete_label(repository, "bugfoundry", by=by)
    served.world.create_label(repository, "bugfoundry")
    await served.told_late()

    hosted = await served.hosted(repository)
    assert (hosted.opted_in, hosted.because) == (True, LABELLED)
    assert await served.work() == [f"environment {repository.id}"]
    await served.handled_well()


@pytest.mark.parametrize("role", ["none", "read", "triage"])
async def test_a_label_made_by_somebody_who_may_no_longer_write_does_not_count(
    served: Serving, repository: Repository, role: str
) -> None:
    mallory = served.world.collaborator(repository, "mallory", role)
    served.world.create_label(repository, "bugfoundry", by=mallory)
    await served.told()

    hosted = await served.hosted(repository)
    assert (hosted.opted_in, hosted.because) == (False, UNTRUSTED)
    assert await served.work() == []


async def test_what_was_not_trusted_stays_out_until_somebody_who_may_touches_the_label(
    served: Serving, repository: Repository
) -> None:
    mallory = served.world.collaborator(repository, "mallory", "read")
    served.world.create_label(repository, "bugfoundry", by=mallory)
    await served.told()
    await served.reconciled()
    assert not (await served.hosted(repository)).opted_in

    served.world.edit_label(repository, "bugfoundry", color="00ff00")
    await served.told()
    assert (await served.hosted(repository)).opted_in

    served.world.edit_label(repository, "bugfoundry", color="ff0000", by=mallory)
    await served.told()
    assert (await served.hosted(repository)).opted_in


async def test_a_label_made_by_a_program_or_by_nobody_known_does_not_count(
    served: Serving, repository: Repository
) -> None:
    served.world.create_label(repository, "bugfoundry", by=served.world.user("helper", "Bot"))
    [created] = served.world.hooks.pending
    await served.told()
    assert (await served.hosted(repository)).because == UNTRUSTED

    created.payload["sender"] = None
    served.world.hooks.again(created)
    await served.told()
    assert (await served.hosted(repository)).because == UNTRUSTED
    await served.handled_well()


async def test_when_rights_cannot_be_read_the_delivery_fails_and_nothing_is_opted_in(
    served: Serving, repository: Repository
) -> None:
    from tests.furniture.github_world import refused

    served.world.faults.add(refused(403, "Resource not accessible"), where="/permission")
    served.world.create_label(repository, "bugfoundry")
    await served.told()

    assert not (await served.hosted(repository)).opted_in
    [job] = [job for job in await served.jobs("delivery") if job.error]
    assert job.state == "failed"


async def test_the_settings_of_the_repository_are_read_when_it_opts_in(
    served: Serving, repository: Repository, code: Code
) -> None:
    from bot.service.repositories.wishes import wishes_of

    code.commit({".github/bugfoundry.yml": "report: check\nstrategies: [mirror]\n"})
    served.world.create_label(repository, "bugfoundry")
    await served.told()
    wishes = wishes_of(await served.hosted(repository))
    assert (wishes.report, wishes.strategies, wishes.error) == ("check", ("mirror",), "")

    code.commit({".github/bugfoundry.yml": "report: postcard\n"})
    await served.told()
    wishes = wishes_of(await served.hosted(repository))
    assert wishes.report == "check"
    assert "'report' must be 'issue' or 'check' or 'none'" in wishes.error

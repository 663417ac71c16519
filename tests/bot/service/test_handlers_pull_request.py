"""What maintainers want of single pull requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.service.repositories.plan import URGENT

if TYPE_CHECKING:
    from storage.tables.hosted import Marked
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import Repository

pytestmark = pytest.mark.github


async def marks(opted: Serving, repository: Repository) -> list[tuple[int, str, str]]:
    found: list[Marked] = await opted.store(lambda s: s.hosted.marks(repository.id))
    return [(one.number, one.mark, one.by) for one in found]


async def test_the_label_on_a_merged_pull_request_has_it_mirrored_next(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.merge(opted.world.pull(repository))
    opted.world.label(pull, "bugfoundry")
    await opted.told()

    assert await marks(opted, repository) == [(pull.number, "wanted", "label maintainer")]
    [job] = await opted.jobs("pull")
    assert (job.state, job.priority) == ("waiting", URGENT)
    assert pull.merge_commit is not None
    asked = {"number": pull.number, "asked": True, "merged": pull.merge_commit.oid}
    assert json.loads(job.payload) == asked
    await opted.handled_well()


async def test_an_open_one_is_looked_at_when_it_is_labelled_and_again_when_it_is_merged(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.pull(repository)
    opted.world.label(pull, "bugfoundry")
    await opted.told()
    [job] = await opted.jobs("pull")
    assert (job.state, job.priority) == ("waiting", URGENT)

    now = opted.world.clock.now
    claimed = await opted.store(lambda s: s.jobs.claim("work", "t", now=now, lease=60, most=9))
    for each in claimed:
        await opted.store(lambda s, each=each: s.jobs.finish(each, now=now))
    opted.world.merge(pull)
    await opted.told()
    assert [each.state for each in await opted.jobs("pull")] == ["waiting"]


async def test_the_label_on_one_that_was_closed_unmerged_asks_for_nothing(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.pull(repository)
    opted.world.close(pull)
    opted.world.label(pull, "bugfoundry")
    await opted.told()

    assert await opted.jobs("pull") == []


async def test_any_pull_request_that_is_merged_is_mirrored_in_its_turn(
    opted: Serving, repository: Repository
) -> None:
    merged, closed = opted.world.pull(repository), opted.world.pull(repository)
    opted.world.merge(merged)
    opted.world.close(closed)
    await opted.told()

    [job] = await opted.jobs("pull")
    assert (job.subject, job.priority) == (f"{repository.id}:{merged.number}", 0)
    assert "asked" not in json.loads(job.payload)


async def test_skip_keeps_one_out_and_ends_what_was_begun(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.merge(opted.world.pull(repository))
    opted.world.label(pull, "bugfoundry")
    await opted.told()
    opted.world.label(pull, "bugfoundry: skip")
    await opted.told()

    assert [mark for _, mark, _ in await marks(opted, repository)] == ["skip"]
    [job] = await opted.jobs("pull")
    assert job.state == "cancelled"

    other = opted.world.pull(repository)
    opted.world.label(other, "bugfoundry: skip")
    opted.world.merge(other)
    await opted.told()
    assert len(await opted.jobs("pull")) == 1


async def test_labels_taken_off_take_back_what_they_said(
    opted: Serving, repository: Repository
) -> None:
    wanted, skipped = opted.world.pull(repository), opted.world.pull(repository)
    opted.world.label(wanted, "bugfoundry")
    opted.world.label(skipped, "bugfoundry: skip")
    await opted.told()
    assert len(await marks(opted, repository)) == 2

    opted.world.unlabel(wanted, "bugfoundry")
    opted.world.unlabel(skipped, "bugfoundry: skip")
    await opted.told()
    assert await marks(opted, repository) == []


async def test_labeled_told_after_unlabeled_does_no_harm(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.merge(opted.world.pull(repository))
    await opted.told()
    await opted.store(lambda s: s.jobs.cancel(repository.id, now=0, queues=["work"], why="test"))
    opted.world.label(pull, "bugfoundry")
    opted.world.unlabel(pull, "bugfoundry")
    opted.world.hooks.pending.reverse()
    await opted.told()

    assert await marks(opted, repository) == []
    assert await opted.work() == []


async def test_a_label_told_again_after_the_work_was_done_is_not_worked_on_again(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.merge(opted.world.pull(repository))
    await opted.told()
    opted.world.label(pull, "bugfoundry")
    [labeled] = opted.world.hooks.pending
    await opted.told()
    now = opted.world.clock.now
    jobs = await opted.store(lambda s: s.jobs.claim("work", "test", now=now, lease=60, most=9))
    for job in jobs:
        await opted.store(lambda s, job=job: s.jobs.finish(job, now=now))

    opted.world.hooks.again(labeled)
    await opted.told()
    assert [job.state for job in await opted.jobs("pull")] == ["done"]


@pytest.mark.parametrize("role", ["none", "read"])
async def test_a_label_by_somebody_who_may_no_longer_set_it_asks_for_nothing(
    opted: Serving, repository: Repository, role: str
) -> None:
    pull = opted.world.pull(repository)
    opted.world.label(pull, "bugfoundry", by=opted.world.collaborator(repository, "ex", role))
    await opted.told()

    assert await marks(opted, repository) == []


async def test_triage_is_enough_for_a_label_as_it_is_on_github(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.pull(repository)
    opted.world.label(pull, "bugfoundry", by=opted.world.collaborator(repository, "tri", "triage"))
    await opted.told()

    assert await marks(opted, repository) == [(pull.number, "wanted", "label tri")]


async def test_labels_by_programs_ours_too_ask_for_nothing(
    opted: Serving, repository: Repository
) -> None:
    pull = opted.world.pull(repository)
    opted.world.label(pull, "bugfoundry", by=opted.app.bot)
    await opted.told()

    assert await marks(opted, repository) == []


async def test_nothing_is_wanted_in_a_repository_that_did_not_opt_in(
    served: Serving, repository: Repository
) -> None:
    pull = served.world.pull(repository)
    # The label is in the repository then, and so it has to be told apart from opting in.
    served.world.label(pull, "bugfoundry: skip")
    served.world.merge(pull)
    await served.told()

    assert await marks(served, repository) == []
    assert await served.work() == []


async def test_labels_set_before_the_repository_opted_in_count_from_then_on(
    served: Serving, repository: Repository
) -> None:
    pull = served.world.merge(served.world.pull(repository))
    skipped = served.world.pull(repository)
    served.world.label(skipped, "bugfoundry: skip")
    served.world.label(pull, "bugfoundry")
    served.world.hooks.pending.reverse()
    await served.told()

    found = {number: mark for number, mark, _ in await marks(served, repository)}
    assert found == {pull.number: "wanted", skipped.number: "skip"}
    assert f"pull {repository.id}:{pull.number}" in await served.work()

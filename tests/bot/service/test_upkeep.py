"""What was lost on the way heals by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.service.base.config import Config
from bot.service.queue.upkeep import ask_for_chores
from bot.service.repositories.chores import MISSED, RECONCILE, TIDY
from bot.service.repositories.optin import LABELLED, UNHEARD, UNTRUSTED
from storage.store import Store
from storage.tables.deliveries import Delivery

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import App, Code, Installation, Repository, World

DAY = 86400.0
START = 1_700_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def chores(store: Store, now: float, *, starting: bool = False) -> list[str]:
    """Ask for chores, do all that are due, and return their kinds."""
    ask_for_chores(store, Config(), now=now, starting=starting)
    jobs = store.jobs.claim("upkeep", "w", now=now, lease=60, most=9)
    for job in jobs:
        store.jobs.finish(job, now=now)
    return sorted(job.kind for job in jobs)


def test_everything_is_looked_after_at_the_start_and_then_in_its_time(store: Store) -> None:
    assert chores(store, START, starting=True) == [MISSED, RECONCILE, TIDY]
    assert chores(store, START + 60) == []
    assert chores(store, START + 601) == [MISSED]
    assert chores(store, START + 3601) == [MISSED, RECONCILE]
    assert chores(store, START + DAY + 1) == [MISSED, RECONCILE, TIDY]
    assert chores(store, START + DAY + 2, starting=True) == [MISSED, RECONCILE, TIDY]


def test_a_clock_that_jumps_puts_nothing_off_and_piles_nothing_up(store: Store) -> None:
    chores(store, START + 400 * DAY, starting=True)

    assert chores(store, START) == [MISSED, RECONCILE, TIDY]
    assert chores(store, START + 1) == []
    assert len(store.jobs.all(queue="upkeep")) == 3


@pytest.mark.github
async def test_a_label_whose_webhook_was_lost_is_seen_when_all_is_compared(
    served: Serving, repository: Repository
) -> None:
    served.world.create_label(repository, "bugfoundry")
    served.world.hooks.pending.clear()
    await served.reconciled()
    assert (await served.hosted(repository)).opted_in

    served.world.delete_label(repository, "bugfoundry")
    served.world.hooks.pending.clear()
    await served.reconciled()
    assert not (await served.hosted(repository)).opted_in
    assert await served.work() == []


@pytest.mark.github
async def test_who_made_a_label_counts_whenever_it_is_learned(
    served: Serving, repository: Repository
) -> None:
    helper = served.world.user("helper", "Bot")
    served.world.create_label(repository, "bugfoundry", by=helper)
    served.world.hooks.lose()
    await served.reconciled()
    hosted = await served.hosted(repository)
    assert (hosted.opted_in, hosted.because) == (True, UNHEARD)
    assert await served.work() == [f"environment {repository.id}"]

    await served.fetched()

    hosted = await served.hosted(repository)
    assert (hosted.opted_in, hosted.because) == (False, UNTRUSTED)
    assert await served.work() == []


@pytest.mark.github
async def test_a_maker_who_may_is_learned_of_without_beginning_anew(
    served: Serving, repository: Repository
) -> None:
    served.world.create_label(repository, "bugfoundry")
    served.world.hooks.lose()
    await served.reconciled()
    served.world.edit_label(repository, "bugfoundry", color="00ff00",
                            by=served.world.user("helper", "Bot"))  # fmt: skip
    await served.told()
    assert (await served.hosted(repository)).because == UNHEARD

    await served.fetched()

    assert (await served.hosted(repository)).because == LABELLED
    assert len(await served.jobs("environment")) == 1


@pytest.mark.github
async def test_an_app_removed_or_suspended_unheard_is_noticed_too(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    opted.world.suspend(installation)
    opted.world.hooks.pending.clear()
    await opted.reconciled()
    assert (await opted.hosted(repository)).state == "suspended"

    opted.world.uninstall(installation)
    opted.world.hooks.pending.clear()
    await opted.reconciled()
    assert (await opted.hosted(repository)).state == "gone"


@pytest.mark.github
async def test_labels_of_pull_requests_that_nobody_told_are_found(
    opted: Serving, repository: Repository
) -> None:
    wanted = opted.world.merge(opted.world.pull(repository))
    opted.world.label(wanted, "bugfoundry")
    ignored = opted.world.pull(repository)
    mallory = opted.world.collaborator(repository, "mallory", "none")
    opted.world.label(ignored, "bugfoundry", by=mallory)
    opted.world.hooks.pending.clear()
    await opted.reconciled()
    marks = await opted.store(lambda s: s.hosted.marks(repository.id))
    assert [(one.number, one.mark) for one in marks] == [(wanted.number, "wanted")]

    opted.world.unlabel(wanted, "bugfoundry")
    opted.world.hooks.pending.clear()
    await opted.reconciled()
    assert await opted.store(lambda s: s.hosted.marks(repository.id)) == []


@pytest.mark.github
async def test_comparing_what_did_not_change_costs_nothing_of_the_limit(
    opted: Serving, repository: Repository
) -> None:
    await opted.reconciled()
    before = len(opted.world.asked)
    await opted.reconciled()

    asked = [one for one in opted.world.asked[before:] if one.who.startswith("installation")]
    assert asked
    assert {one.status for one in asked} == {304}


@pytest.mark.github
async def test_of_an_installation_on_many_repositories_those_opted_in_come_first(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    many = [opted.world.repository(f"octo/many-{n}") for n in range(120)]
    installation.chosen = [*many, repository]
    before = len(opted.world.asked)
    await opted.reconciled()

    assert len(await opted.store(lambda s: s.hosted.all())) == 121
    looked = [one.path for one in opted.world.asked[before:] if one.path.endswith("/labels")]
    assert looked[0] == "/repos/octo/thing/labels"
    await opted.handled_well()


async def restarted(world: World, app: App, folder: Path) -> None:
    """Let a service run until it has nothing to do, and stop it."""
    from tests.bot.service.running import serving

    async with serving(world, folder, app=app) as served:
        await served.told()
        await served.handled_well()


@pytest.mark.github
async def test_down_for_two_hours_everything_told_meanwhile_is_fetched_and_handled(
    world: World, app: App, code: Code, installation: Installation, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    await restarted(world, app, tmp_path)
    world.create_label(code.repository, "bugfoundry")
    pull = world.merge(world.pull(code.repository))
    world.comment(pull, "/bugfoundry skip", by=world.user("maintainer"))
    lost = world.hooks.lose()
    await world.clock.sleep(2 * 3600)

    async with serving(world, tmp_path, app=app) as served:
        assert (await served.hosted(code.repository)).opted_in
        heard = [one.guid for one in lost if one.event in ("label", "issue_comment")]
        assert await served.store(lambda s: s.deliveries.select_received(heard)) == set(heard)
        marks = await served.store(lambda s: s.hosted.marks(code.repository.id))
        assert [(one.number, one.mark) for one in marks] == [(pull.number, "skip")]

        work = await served.work()
        for one in lost:
            await world.hooks.send(one)
        await served.idle()
        assert await served.work() == work
        assert len(await served.jobs("comment")) == 1
        await served.handled_well()


@pytest.mark.github
async def test_down_for_four_days_what_github_no_longer_has_heals_by_comparing(
    world: World, app: App, code: Code, installation: Installation, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    await restarted(world, app, tmp_path)
    world.create_label(code.repository, "bugfoundry")
    pull = world.pull(code.repository)
    world.label(pull, "bugfoundry: skip")
    lost = world.hooks.lose()
    await world.clock.sleep(4 * DAY)

    async with serving(world, tmp_path, app=app) as served:
        assert (await served.hosted(code.repository)).opted_in
        assert (
            await served.store(lambda s: s.deliveries.select_received([o.guid for o in lost]))
            == set()
        )
        marks = await served.store(lambda s: s.hosted.marks(code.repository.id))
        assert [(one.number, one.mark) for one in marks] == [(pull.number, "skip")]
        await served.handled_well()


@pytest.mark.github
async def test_what_was_missed_is_fetched_although_something_newer_has_come(
    world: World, app: App, code: Code, installation: Installation, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    await restarted(world, app, tmp_path)
    pull = world.pull(code.repository)
    world.create_label(code.repository, "bugfoundry")
    world.comment(pull, "/bugfoundry skip", by=world.user("maintainer"))
    [*_, comment] = world.hooks.lose()
    assert comment.event == "issue_comment"
    await world.clock.sleep(3600)
    with Store(tmp_path / "service.db") as store:
        newer = Delivery(guid="newer", event="star", received=world.clock.now)
        store.deliveries.receive([newer], world.clock.now)

    async with serving(world, tmp_path, app=app) as served:
        assert await served.store(lambda s: s.deliveries.select_received([comment.guid])) == {
            comment.guid
        }


@pytest.mark.github
async def test_one_delivery_that_cannot_be_fetched_holds_up_no_other(
    served: Serving, repository: Repository
) -> None:
    from tests.furniture.github_world import refused

    served.world.create_label(repository, "bugfoundry")
    served.world.rename(repository, "better")
    label, renamed = served.world.hooks.lose()
    path = f"/app/hook/deliveries/{label.id}"
    served.world.faults.add(refused(403, "No"), where=path, times=100)
    await served.fetched()
    assert (await served.hosted(repository)).name == "octo/better"
    [job] = await served.jobs("missed")
    assert "GitHub refuses delivery" in job.error

    served.world.faults.clear()
    await served.world.clock.sleep(600)
    await served.fetched()
    known = await served.store(lambda s: s.deliveries.select_received([label.guid, renamed.guid]))
    assert known == {label.guid, renamed.guid}
    assert (await served.hosted(repository)).opted_in
    await served.handled_well()


@pytest.mark.github
async def test_a_delivery_that_failed_here_is_taken_up_again_when_github_sends_it_again(
    world: World, app: App, code: Code, installation: Installation, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    await restarted(world, app, tmp_path)
    world.create_label(code.repository, "bugfoundry")
    [created] = world.hooks.lose()
    now = world.clock.now
    with Store(tmp_path / "service.db") as store:
        failed = Delivery(guid=created.guid, event="label", received=now, body=b"{}")
        store.deliveries.receive([failed], now)
        [job] = store.jobs.claim("inbox", "w", now=now, lease=60)
        store.jobs.fail(job, "broken", now=now, retry_in=None)

    async with serving(world, tmp_path, app=app) as served:
        assert [job.state for job in await served.jobs("delivery", state="failed")] == ["failed"]
        world.hooks.redeliver(created)
        await served.told()
        [job] = [job for job in await served.jobs("delivery") if job.subject == created.guid]
        assert (job.state, job.note) == ("done", "octo/thing active, opted in: it has the label "
                                         "bugfoundry")  # fmt: skip


@pytest.mark.github
async def test_tidying_forgets_what_was_handled_long_ago(
    served: Serving, repository: Repository
) -> None:
    before = await served.jobs("delivery")
    assert before
    await served.world.clock.sleep(31 * DAY)
    now = served.running.scene.clock()
    await served.store(lambda s: ask_for_chores(s, served.running.scene.config, now=now,
                                                starting=True))  # fmt: skip
    await served.idle()

    assert await served.jobs("delivery") == []
    assert (
        await served.store(lambda s: s.deliveries.select_received([j.subject for j in before]))
        == set()
    )
    assert (await served.hosted(repository)).name == "octo/thing"

"""What the stages do short of running code: whose turn it is, what is fetched, what is refused."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.service.app.queues import HEAVY
from bot.service.outbox.outbox import OUTBOX
from bot.service.repositories.plan import STAGES, WORK, stage_job
from bot.service.stages.environment import DAY, should_keep
from harness.sandboxes import bubblewrap
from storage.tables.hosted import Hosted, Marked
from storage.tables.jobs import Job
from tests.bot.service.worked import NAME, Service, service_of
from tests.furniture.github_world.faults import Fault

if TYPE_CHECKING:
    from tests.furniture.github_world import World

pytestmark = pytest.mark.github


@pytest.fixture
async def service(world: World, tmp_path: Path) -> AsyncIterator[Service]:
    async with service_of(world, tmp_path, private=True) as made:
        yield made


async def served(service: Service) -> None:
    """Have the head of the repository serve, as if it had been built."""
    fetched = service.shop.code.tip("main")
    tree = "b" * 40
    await service.set(commit=fetched, tree=tree, built=service.scene.clock())


def test_every_stage_has_somebody_who_does_it() -> None:
    assert set(HEAVY) == {*STAGES, "pull"}


# --- whose turn it is ---


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("changed", "why"),
    [({"opted_in": False}, "it is not opted in"), ({"state": "archived"}, "it is archived")],
)
async def test_who_is_not_opted_in_is_left_alone(
    service: Service, world: World, stage: str, changed: dict[str, object], why: str
) -> None:
    await service.set(**changed)
    before = len(world.asked)

    assert (await service.stage(stage)).note == why
    assert len(world.asked) == before


async def test_without_an_environment_that_comes_first(service: Service) -> None:
    hosted = await service.hosted()
    outcome = await HEAVY["mirror"](await claimed(service, "mirror"), service.scene)

    assert [job.kind for job in outcome.jobs] == ["environment"]
    assert outcome.jobs[0].repository == hosted.id


async def claimed(service: Service, stage: str) -> Job:
    """Return the job of a stage as a worker has it in hand."""
    await service.ask(stage_job(await service.hosted(), stage))
    now = service.scene.clock()
    [job] = await service.scene.keeper(lambda s: s.jobs.claim(WORK, "w", now=now, lease=90))
    return job


async def test_without_a_model_its_strategies_are_named_and_left_out(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "BUGFOUNDRY_MODEL_URL"):
        monkeypatch.delenv(name, raising=False)
    await served(service)
    limits = replace_limits(service, 5.0)

    job = await limits.stage("model")

    assert (job.state, job.note) == (
        "done",
        "rewrite and modify are left out: no language model is configured",
    )


def replace_limits(service: Service, dollars: float) -> Service:

    config = service.scene.config
    limits = replace(config.limits, repository_dollars=dollars)
    scene = replace(service.scene, config=replace(config, limits=limits))
    return Service(service.shop, service.app, service.installed, scene)


# --- which commit serves ---

HOSTED = Hosted(id=1, installation=2, name=NAME, commit="a", head="a", built=1000.0)


@pytest.mark.parametrize(
    ("changed", "days", "asked", "kept"),
    [
        ({}, 100, False, True),
        ({"head": "b"}, 6.9, False, True),
        ({"head": "b"}, 7.1, False, False),
        ({"head": "b"}, 0.1, True, False),
        ({"commit": ""}, 0.1, False, False),
    ],
)
def test_a_new_environment_comes_weekly_where_the_code_moved_on_or_when_asked(
    changed: dict[str, str], days: float, asked: bool, kept: bool
) -> None:
    hosted = replace(HOSTED, **changed)  # type: ignore[arg-type]
    assert should_keep(hosted, 1000 + days * DAY, days=7, asked=asked) is kept


async def test_why_no_environment_can_be_built_is_told_once(service: Service, world: World) -> None:
    files = {"src/shop/__init__.py": None, "tests/test_shop.py": None, "pyproject.toml": None}
    service.shop.code.commit({**files, "README.md": "Nothing here.\n"}, "Leave")
    for _ in range(4):
        await service.stage("environment")
        world.clock.now += 3700

    job = await service.job("environment")
    issues = [one for one in service.shop.repository.threads.values()
              if one.author is service.app.bot]  # fmt: skip
    assert job.state == "failed"
    assert "no environment" in job.error or "no-tests" in job.error
    assert len(issues) == 1
    assert "cannot be run" in issues[0].title
    assert (await service.hosted()).commit == ""


async def test_code_never_runs_as_a_plain_process(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "works", lambda *_: False)

    job = await service.stage("environment")

    assert "never runs as a plain process" in job.error


# --- tokens ---


async def test_a_private_repository_is_crawled_with_a_token_that_shows_nowhere(
    service: Service, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await served(service)

    job = await service.stage("crawl")

    assert job.note.startswith("1 pull request, 1 read anew")
    lent = [g for g in world.grants.values() if g.installation is service.installed]
    [reading] = [g for g in lent if g.only is not None]
    assert reading.only == {service.id}
    assert set(reading.permissions.values()) == {"read"}
    config = service.scene.config
    kept = [file.read_bytes() for file in config.cache.rglob("*") if file.is_file()]
    kept += [file.read_bytes() for file in config.store.parent.glob("store.db*")]
    for grant in lent:
        assert grant.token not in caplog.text
        assert not any(grant.token.encode() in content for content in kept)


async def test_a_token_that_ends_in_the_middle_of_a_crawl_is_renewed(
    service: Service, world: World
) -> None:
    await served(service)
    expired = Fault(status=401, body='{"message": "Bad credentials"}')
    world.faults.add(expired, where="/graphql")

    job = await service.stage("crawl")

    assert job.note.startswith("1 pull request, 1 read anew")
    assert not world.faults.left
    assert len([g for g in world.grants.values() if g.only]) == 2


async def test_after_an_hour_git_and_the_crawl_have_a_new_token(
    service: Service, world: World
) -> None:
    await served(service)
    await service.stage("crawl")
    world.clock.now += 3600

    assert (await service.stage("crawl")).state == "done"
    assert len([g for g in world.grants.values() if g.only]) == 2


async def test_a_suspended_installation_fails_the_crawl_and_tells_why(
    service: Service, world: World
) -> None:
    await served(service)
    world.suspend(service.installed)

    job = await service.stage("crawl")

    assert "suspended" in job.error


# --- single pull requests ---


async def test_what_a_label_keeps_out_is_left_alone(service: Service) -> None:
    await served(service)
    number = service.shop.fix.number
    marked = Marked(repository=service.id, number=number, mark="skip")
    await service.scene.keeper(lambda s: s.hosted.mark(marked))

    assert (await service.pull(number)).note == f"#{number} is kept out by its label"


async def test_an_open_one_that_nobody_asked_for_is_left_alone(service: Service) -> None:
    await served(service)
    service.shop.change("Change", ("value < low", "value <= low"), branch="other")
    pull = service.shop.code.pull("other")

    job = await service.pull(pull.number)

    assert job.note == f"#{pull.number} is open, and nobody asked for it"


async def test_one_merged_after_what_serves_waits_for_the_next_environment_and_is_crawled(
    service: Service, world: World
) -> None:
    await served(service)
    hosted = await service.hosted()
    service.shop.change("Change", ("value < low", "value <= low"), branch="later")
    pull = service.shop.code.pull("later")
    service.shop.code.merge(pull, "squash")

    job = await service.pull(pull.number)

    assert "the next environment takes it" in job.note
    waiting = await service.job("environment")
    assert (waiting.state, waiting.due) == ("waiting", hosted.built + 7 * DAY)
    crawled = await service.scene.keeper(lambda s: s.pulls.all(NAME))
    assert pull.number in {one.number for one in crawled}
    assert not await service.scene.keeper(lambda s: s.jobs.all(queue=OUTBOX))

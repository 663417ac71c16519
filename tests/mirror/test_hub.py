"""The App and its installations at one GitHub: tokens, limits and what goes wrong with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from mirror.github.hub import Hub
from mirror.github.lookups import changed_files, fetch_repository
from mirror.github.present_state import installation_repositories, look_at_repository
from mirror.github.requests import ATTEMPTS
from mirror.github.tokens import Narrowing
from mirror.github.wire import Wire
from storage.errors import (
    ConfigError,
    GitHubBroken,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubSuspended,
)
from tests.furniture.github_world import (
    App,
    Change,
    Descriptions,
    Fault,
    Installation,
    Repository,
    World,
    bad_gateway,
    cut_off,
    github_world,
    hub_of,
    hung,
    lost,
    primary_limit,
    secondary_limit,
)

pytestmark = pytest.mark.github

NAME = "octo/thing"
MINUTE = 60


@pytest.fixture
def repository(world: World) -> Repository:
    return world.repository(NAME, private=True)


@pytest.fixture
def app(world: World) -> App:
    return world.app()


@pytest.fixture
def installation(world: World, app: App, repository: Repository) -> Installation:
    return world.install(app, repository)


@pytest.fixture
async def hub(world: World, app: App) -> AsyncIterator[Hub]:
    async with hub_of(world, app) as hub:
        yield hub


def made(world: World) -> int:
    """How often a token was asked for."""
    return sum(one.path.endswith("/access_tokens") for one in world.asked)


async def test_an_app_asks_as_itself_and_as_its_installations(
    world: World, hub: Hub, installation: Installation
) -> None:
    assert await hub.login() == "bugfoundry[bot]"
    seen = await look_at_repository(hub.installation(installation.id), NAME)
    assert (seen.name, seen.private) == (NAME, True)
    assert [one.who for one in world.asked] == [
        f"app {installation.app.id}",
        f"app {installation.app.id}",
        f"installation {installation.id}",
    ]


async def test_a_token_is_asked_for_once_however_many_need_it(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    await asyncio.gather(*(look_at_repository(github, NAME) for _ in range(50)))
    assert made(world) == 1
    assert len({one.token for one in world.grants.values()}) == 1


async def test_a_token_is_renewed_before_it_ends(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    await look_at_repository(github, NAME)
    world.clock.now += 54 * MINUTE
    await look_at_repository(github, NAME)
    assert made(world) == 1
    world.clock.now += 2 * MINUTE
    await look_at_repository(github, NAME)
    assert made(world) == 2
    assert 401 not in {one.status for one in world.asked}


async def test_a_token_that_ends_in_mid_run_is_replaced_and_the_question_asked_again(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    await look_at_repository(github, NAME)
    world.grants.clear()
    answers = await asyncio.gather(*(look_at_repository(github, NAME) for _ in range(10)))
    assert {one.name for one in answers} == {NAME}
    assert made(world) == 2
    world.grants.clear()
    assert (await fetch_repository(github, NAME)).name == NAME
    world.grants.clear()
    asked = 'query { repository(owner: "octo", name: "thing") { nameWithOwner } }'
    assert await github.graphql(asked, what="it") == {"repository": {"nameWithOwner": NAME}}
    assert made(world) == 4


async def test_a_token_that_is_refused_even_when_new_is_told(
    world: World, hub: Hub, installation: Installation
) -> None:
    world.faults.add(Fault(status=401, body='{"message": "Bad credentials"}'), times=9, where=NAME)
    with pytest.raises(GitHubRefused, match="it lent for the installation"):
        await look_at_repository(hub.installation(installation.id), NAME)
    assert made(world) == 2


async def test_a_clock_that_is_off_by_minutes_is_told(descriptions: Descriptions) -> None:
    async with github_world(descriptions, minutes_ahead=-30) as world:
        app = world.app()
        hub = Hub(
            world.api,
            app_id=app.client_id,
            private_key=app.pem,
            clock=lambda: world.clock.now + 30 * MINUTE,
        )
        async with hub:
            with pytest.raises(GitHubRefused, match="clock is 30 minutes ahead of GitHub's"):
                await hub.login()


async def test_a_clock_that_is_a_little_off_does_no_harm(
    world: World, app: App, installation: Installation
) -> None:
    for off in (-300, -50, 50):
        hub = Hub(
            world.api,
            app_id=str(app.id),
            private_key=app.pem,
            clock=lambda off=off: world.clock.now + off,  # type: ignore[misc]
        )
        async with hub:
            github = hub.installation(installation.id)
            await look_at_repository(github, NAME)
            world.clock.now += 54 * MINUTE
            await look_at_repository(github, NAME)
    assert {one.status for one in world.asked} == {200, 201, 304}
    assert made(world) == 3


async def test_a_key_of_another_app_is_told(world: World, app: App) -> None:
    other = world.app("other", own_key=True)
    async with hub_of(world, app, pem=other.pem) as hub:
        with pytest.raises(GitHubRefused, match="do not belong together"):
            await hub.login()
    assert len(world.asked) == 1


async def test_an_app_that_github_does_not_know_is_no_installation_that_is_gone(
    world: World, app: App
) -> None:
    hub = Hub(world.api, app_id="999999", private_key=app.pem, clock=world.clock.time)
    async with hub:
        with pytest.raises(GitHubRefused, match="no App of this id"):
            await look_at_repository(hub.installation(1), NAME)


async def test_a_key_that_is_none_is_told_before_anything_is_asked(world: World, app: App) -> None:
    with pytest.raises(ConfigError, match="private key"):
        hub_of(world, app, pem="nonsense")


async def test_a_suspended_installation_and_one_that_is_gone_are_told_apart(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    await look_at_repository(github, NAME)
    world.suspend(installation)
    with pytest.raises(GitHubSuspended):
        await look_at_repository(github, NAME)
    world.clock.now += 3600
    with pytest.raises(GitHubSuspended):
        await look_at_repository(github, NAME)
    world.unsuspend(installation)
    assert (await look_at_repository(github, NAME)).name == NAME
    world.uninstall(installation)
    with pytest.raises(GitHubMissing, match=f"no installation {installation.id}"):
        await look_at_repository(github, NAME)


async def test_a_failing_request_for_a_token_fails_all_that_wait_for_it_and_no_later_one(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    world.faults.add(bad_gateway(), times=ATTEMPTS, where="access_tokens")
    waiting = (look_at_repository(github, NAME) for _ in range(5))
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in answers] == [GitHubBroken] * 5
    assert made(world) == ATTEMPTS
    assert (await look_at_repository(github, NAME)).name == NAME


async def test_one_who_gives_up_waiting_does_not_take_the_token_from_the_others(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    first = asyncio.create_task(look_at_repository(github, NAME))
    others = asyncio.gather(*(look_at_repository(github, NAME) for _ in range(3)))
    await asyncio.sleep(0)
    first.cancel()
    assert {one.name for one in await others} == {NAME}
    assert made(world) == 1


async def test_a_token_can_be_narrowed(
    world: World, app: App, hub: Hub, repository: Repository
) -> None:
    other = world.repository("octo/other", private=True)
    installation = world.install(app, [repository, other])
    narrow = Narrowing(repositories=(other.id,), permissions=(("contents", "read"),))
    whole, part = hub.installation(installation.id), hub.installation(installation.id, narrow)
    assert [one.name for one in await installation_repositories(whole)] == [NAME, "octo/other"]
    assert [one.name for one in await installation_repositories(part)] == ["octo/other"]
    assert world.grants[await hub.token(installation.id, narrow)].permissions == {
        "contents": "read",
        "metadata": "read",
    }
    assert made(world) == 2


async def test_a_primary_limit_of_one_installation_does_not_hold_back_another(
    world: World, app: App, hub: Hub, installation: Installation
) -> None:
    world.repository("acme/tool")
    other = world.install(app, world.repository("acme/other"))
    for one in (installation, other):
        await hub.token(one.id)
    world.faults.add(primary_limit(reset=world.clock.now + 900), where=NAME)
    slow = asyncio.create_task(look_at_repository(hub.installation(installation.id), NAME))
    await look_at_repository(hub.installation(other.id), "acme/tool")
    await slow
    assert world.clock.slept == [901]


async def test_a_secondary_limit_holds_back_all(
    world: World, app: App, hub: Hub, installation: Installation
) -> None:
    other = world.install(app, world.repository("acme/tool"))
    patient, hasty = hub.installation(installation.id), hub_of(world, app, patience=10)
    for one in (installation, other):
        await hub.token(one.id)
    world.faults.add(secondary_limit(retry_after=45), where=NAME)
    async with hasty:
        with pytest.raises(GitHubLimited) as limited:
            await look_at_repository(hasty.installation(installation.id), NAME)
        assert limited.value.seconds == 45
        asked = len(world.asked)
        with pytest.raises(GitHubLimited):
            await look_at_repository(hasty.installation(other.id), "acme/tool")
        assert len(world.asked) == asked
    assert (await look_at_repository(patient, NAME)).name == NAME


async def test_no_more_are_under_way_than_the_pace_allows(
    world: World, hub: Hub, installation: Installation
) -> None:
    github = hub.installation(installation.id)
    await asyncio.gather(*(look_at_repository(github, NAME) for _ in range(300)))
    assert world.rates.most_at_once <= 20
    assert not world.rates.tripped


async def test_lists_that_are_read_in_threads_keep_to_the_pace_and_never_block_each_other(
    world: World, app: App, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mirror.github.pace.POINTS", {"core": 7, "graphql": 7})
    changes = [Change(path=f"f{n:03}.py") for n in range(150)]
    for _ in range(5):
        world.pull(repository, changes=changes)
    installation = world.install(app, repository)
    async with hub_of(world, app, at_once=2) as hub:
        github = hub.installation(installation.id)
        reading = [changed_files(github, NAME, n + 1) for n in range(5)]
        looking = [look_at_repository(github, NAME) for _ in range(10)]
        before = world.clock.now
        async with asyncio.timeout(300):
            files = await asyncio.gather(*reading, *looking)
    assert [len(found) for found in files[:5] if isinstance(found, list)] == [150] * 5
    # Seven a minute: thirty take more than three.
    assert world.clock.now - before >= 180


@pytest.mark.parametrize("fault", [bad_gateway(), bad_gateway(after=True), lost(after=True)])
async def test_asking_for_a_token_survives_what_asking_survives(
    world: World, hub: Hub, installation: Installation, fault: Fault
) -> None:
    world.faults.add(fault, times=2, where="access_tokens")
    assert (await look_at_repository(hub.installation(installation.id), NAME)).name == NAME
    assert made(world) == 3


async def test_a_github_that_never_answers_is_given_up(world: World, app: App) -> None:
    wire = Wire(timeout=aiohttp.ClientTimeout(total=0.2))
    world.faults.add(hung(), times=99)
    async with hub_of(world, app, wire=wire) as hub:
        with pytest.raises(GitHubBroken, match="the connection was lost"):
            await hub.login()
    assert world.clock.slept == [1, 2, 4, 8, 16]


async def test_an_answer_that_is_cut_off_is_asked_for_again(world: World, hub: Hub) -> None:
    world.faults.add(cut_off(), times=2)
    assert await hub.login() == "bugfoundry[bot]"
    assert world.clock.slept == [1, 2]


async def test_neither_key_nor_token_is_logged_or_told(
    world: World, hub: Hub, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "github", "mirror", "aiohttp"):
        caplog.set_level(logging.DEBUG, logger)
    github = hub.installation(installation.id)
    await fetch_repository(github, NAME)
    token = await hub.token(installation.id)
    world.faults.add(secondary_limit(retry_after=45))
    await look_at_repository(github, NAME)
    world.uninstall(installation)
    with pytest.raises(GitHubMissing) as missing:
        await look_at_repository(github, NAME)
    for secret in (token, "ghs_", "PRIVATE KEY", "Bearer ey"):
        assert secret not in caplog.text
        assert secret not in repr(missing.value)
        assert secret not in repr(vars(hub))

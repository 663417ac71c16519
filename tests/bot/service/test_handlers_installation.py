"""The App comes and goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.service.base.allowance import may_write
from bot.service.repositories.optin import GONE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.service.running import Serving
    from tests.furniture.github_world import App, Code, Installation, Repository, World

pytestmark = pytest.mark.github


async def test_a_repository_that_has_the_label_already_is_opted_in_when_the_app_is_installed(
    world: World, app: App, code: Code, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    world.create_label(code.repository, "bugfoundry")
    plain = world.repository("octo/plain")
    async with serving(world, tmp_path, app=app) as served:
        installation = world.install(app, [code.repository, plain])
        await served.told()

        assert (await served.hosted(code.repository)).opted_in
        assert not (await served.hosted(plain)).opted_in
        known = await served.store(lambda s: s.hosted.installation(installation.id))
        assert known is not None
        assert (known.account, known.kind, known.state) == ("octo", "Organization", "active")
        assert json.loads(known.permissions)["checks"] == "write"
        await served.handled_well()


async def test_an_app_that_is_removed_stops_and_one_installed_again_goes_on(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    opted.world.uninstall(installation)
    await opted.told()
    hosted = await opted.hosted(repository)
    assert (hosted.state, hosted.because) == ("gone", GONE)
    assert await opted.work() == []
    known = await opted.store(lambda s: s.hosted.installation(installation.id))
    assert known is not None
    assert known.state == "gone"

    again = opted.world.install(opted.app, repository)
    await opted.told()
    hosted = await opted.hosted(repository)
    assert (hosted.installation, may_write(hosted)) == (again.id, True)
    assert await opted.work() == [f"environment {repository.id}"]


async def test_a_suspended_installation_rests_but_stays_opted_in(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    opted.world.suspend(installation)
    await opted.told()
    hosted = await opted.hosted(repository)
    assert (hosted.state, hosted.opted_in, may_write(hosted)) == ("suspended", True, False)
    assert await opted.work() == []

    opted.world.unsuspend(installation)
    await opted.told()
    assert may_write(await opted.hosted(repository))
    assert await opted.work() == [f"environment {repository.id}"]
    await opted.handled_well()


async def test_suspend_told_after_unsuspend_does_no_harm(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    opted.world.suspend(installation)
    opted.world.unsuspend(installation)
    opted.world.hooks.pending.reverse()
    await opted.told()

    assert may_write(await opted.hosted(repository))


async def test_repositories_are_added_and_removed(
    opted: Serving, repository: Repository, installation: Installation
) -> None:
    more = [opted.world.repository(f"octo/more-{n}") for n in range(3)]
    opted.world.create_label(more[0], "bugfoundry")
    opted.world.add_repositories(installation, *more)
    await opted.told()
    assert [(await opted.hosted(one)).opted_in for one in more] == [True, False, False]

    opted.world.remove_repositories(installation, more[0], repository)
    await opted.told()
    assert [(await opted.hosted(one)).state for one in (more[0], repository)] == ["gone", "gone"]
    assert (await opted.hosted(more[1])).state == "active"


async def test_newly_accepted_permissions_are_known(
    opted: Serving, installation: Installation
) -> None:
    opted.world.accept_permissions(installation, {**installation.permissions, "checks": "read"})
    await opted.told()

    known = await opted.store(lambda s: s.hosted.installation(installation.id))
    assert known is not None
    assert json.loads(known.permissions)["checks"] == "read"

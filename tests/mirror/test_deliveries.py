"""Deliveries that were missed are found, and what they said is had after all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mirror.github.deliveries import (
    Delivered,
    deliveries,
    delivery_payload,
    find_missed_deliveries,
    redeliver,
)
from storage.errors import GitHubMissing
from tests.furniture.github_world import World, bad_gateway, lost
from tests.mirror.installed import Installed, installed

pytestmark = pytest.mark.github

HOUR = 3600


@pytest.fixture
async def here(world: World) -> AsyncIterator[Installed]:
    async with installed(world) as here:
        world.hooks.pending.clear()
        yield here


async def test_what_was_missed_is_found_oldest_first_with_what_it_said(here: Installed) -> None:
    since = here.world.clock.now
    here.world.create_label(here.repository, "bugfoundry")
    here.world.hooks.lose()
    here.world.delete_label(here.repository, "bugfoundry")
    here.world.hooks.lose()

    found = await deliveries(here.hub.as_app(), since)

    assert [(one.event, one.action) for one in found] == [
        ("label", "created"),
        ("label", "deleted"),
    ]
    assert not any(one.taken for one in found)
    assert {one.installation for one in found} == {here.installation.id}
    assert {one.repository for one in found} == {here.repository.id}
    payload = await delivery_payload(here.hub.as_app(), found[0].id)
    assert payload["label"]["name"] == "bugfoundry"
    assert payload["installation"]["id"] == here.installation.id


async def test_only_as_many_pages_are_read_as_are_new(here: Installed) -> None:
    for n in range(150):
        here.world.create_label(here.repository, f"l{n}")
        here.world.hooks.lose()
    last_hour = await deliveries(here.hub.as_app(), here.world.clock.now - HOUR + 1)
    assert 0 < len(last_hour) <= 60
    assert here.sent("GET", "/deliveries") == 1
    assert len(await deliveries(here.hub.as_app(), 0)) == 150


async def test_a_redelivery_has_the_guid_of_the_first(here: Installed) -> None:
    here.world.create_label(here.repository, "bugfoundry")
    (first,) = here.world.hooks.lose()
    await redeliver(here.hub.as_app(), first.id)
    here.world.hooks.lose()
    attempts = await deliveries(here.hub.as_app(), 0)
    assert [one.guid for one in attempts] == [first.guid, first.guid]
    assert [one.redelivery for one in attempts] == [False, True]
    assert [one.id for one in find_missed_deliveries(attempts)] == [attempts[1].id]


@pytest.mark.parametrize("fault", [bad_gateway(), lost()], ids=["502", "lost"])
async def test_asking_for_another_attempt_survives_what_asking_survives(
    here: Installed, fault: object
) -> None:
    here.world.create_label(here.repository, "bugfoundry")
    (first,) = here.world.hooks.lose()
    here.world.faults.add(fault, where="/attempts")  # type: ignore[arg-type]
    await redeliver(here.hub.as_app(), first.id)
    assert [one.guid for one in here.world.hooks.pending] == [first.guid]


async def test_what_github_no_longer_keeps_is_told(here: Installed) -> None:
    with pytest.raises(GitHubMissing, match="no delivery 5"):
        await delivery_payload(here.hub.as_app(), 5)


def attempt(number: int, guid: str, status: int) -> Delivered:
    return Delivered(
        id=number,
        guid=guid,
        event="push",
        action="",
        delivered=float(number),
        status=status,
        redelivery=False,
        installation=1,
        repository=1,
    )


def test_what_was_acknowledged_once_was_not_missed() -> None:
    attempts = [
        attempt(1, "a", 502),
        attempt(2, "b", 503),
        attempt(3, "a", 202),
        attempt(4, "c", 202),
        attempt(5, "b", 500),
        attempt(6, "c", 500),
    ]
    assert [one.id for one in find_missed_deliveries(attempts)] == [5]

"""Deliveries are stored before they are acknowledged, many at a time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bot.service.base.store_thread import AsyncStore
from bot.service.inbox.inbox import Inbox
from storage.errors import StoreError
from storage.store import Store
from storage.tables.deliveries import Delivery


def delivery(guid: str) -> Delivery:
    return Delivery(guid=guid, event="push", received=1.0, body=b"{}")


async def test_what_is_acknowledged_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with AsyncStore(path) as keeper:
        assert await Inbox(keeper).take(delivery("g"))
        with Store(path) as another:
            assert another.deliveries.select_received(["g"]) == {"g"}


async def test_the_same_delivery_many_times_at_once_is_news_once(tmp_path: Path) -> None:
    async with AsyncStore(tmp_path / "store.db") as keeper:
        inbox = Inbox(keeper)
        news = await asyncio.gather(*(inbox.take(delivery("same")) for _ in range(50)))

    assert sorted(news) == [False] * 49 + [True]


async def test_a_burst_is_stored_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with AsyncStore(path) as keeper:
        inbox = Inbox(keeper)
        await asyncio.gather(*(inbox.take(delivery(f"g{n}")) for n in range(500)))

    with Store(path) as another:
        assert len(another.jobs.all(most=1000)) == 500


async def test_while_the_store_cannot_be_written_whoever_waits_is_told_and_later_it_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.db"
    async with AsyncStore(path, busy_timeout=0.05) as keeper:
        inbox = Inbox(keeper)
        with (
            Store(path) as another,
            another.together(),
            pytest.raises(StoreError, match="locked by another program"),
        ):
            await inbox.take(delivery("g"))
        assert await inbox.take(delivery("g"))


async def test_other_work_gives_way_until_what_came_is_stored_but_not_for_long(
    tmp_path: Path,
) -> None:
    held = threading.Event()
    async with AsyncStore(tmp_path / "store.db") as keeper:
        inbox = Inbox(keeper)
        await inbox.wait_until_calm()
        holding = asyncio.create_task(keeper(lambda store: held.wait()))
        await asyncio.sleep(0)
        taking = asyncio.create_task(inbox.take(delivery("g")))
        await asyncio.sleep(0)

        await inbox.wait_until_calm()
        assert not taking.done()

        calm = asyncio.create_task(inbox.wait_until_calm())
        held.set()
        await calm
        assert await taking
        await holding

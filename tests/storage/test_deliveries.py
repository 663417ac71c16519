"""The inbox: stored before it is acknowledged, and handled once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from storage.tables.deliveries import DELIVERY, INBOX, Delivery


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def delivery(guid: str, repository: int = 1) -> Delivery:
    return Delivery(guid=guid, event="push", repository=repository, received=5.0, body=b'{"a": 1}')


def claim(store: Store, now: float = 10.0) -> list[str]:
    found = store.jobs.claim(INBOX, "w", now=now, lease=60, most=9)
    return [job.subject for job in found]


def test_a_delivery_is_kept_as_it_came_and_asks_to_be_handled(store: Store) -> None:
    assert store.deliveries.receive([delivery("g1")], now=5) == [True]

    assert store.deliveries.get("g1") == delivery("g1")
    assert claim(store) == ["g1"]


def test_a_known_delivery_is_dropped_while_it_waits_runs_or_is_done(store: Store) -> None:
    assert store.deliveries.receive([delivery("g"), delivery("g")], now=5) == [True, False]
    [running] = store.jobs.claim(INBOX, "w", now=6, lease=60)
    assert store.deliveries.receive([delivery("g")], now=6) == [False]
    store.jobs.finish(running, now=7)

    assert store.deliveries.receive([delivery("g")], now=8) == [False]
    assert claim(store) == []


def test_a_delivery_that_failed_is_taken_up_again(store: Store) -> None:
    store.deliveries.receive([delivery("g")], now=5)
    [running] = store.jobs.claim(INBOX, "w", now=6, lease=60)
    store.jobs.fail(running, "broken", now=7, retry_in=None)

    assert store.deliveries.receive([delivery("g")], now=8) == [True]
    assert claim(store) == ["g"]


def test_deliveries_of_one_repository_are_handled_in_order(store: Store) -> None:
    store.deliveries.receive([delivery("a"), delivery("b"), delivery("c", repository=2)], now=5)

    assert claim(store) == ["a", "c"]


def test_what_is_done_is_forgotten_in_time_body_first(store: Store) -> None:
    store.deliveries.receive([delivery("done"), delivery("open", repository=2)], now=5)
    [job, _] = store.jobs.claim(INBOX, "w", now=6, lease=60, most=2)
    store.jobs.finish(job, now=7)

    store.deliveries.forget(bodies_before=100, before=0)
    found = store.deliveries.get("done")
    assert found is not None
    assert found.body == b""

    store.deliveries.forget(bodies_before=100, before=100)
    assert store.deliveries.select_received(["done", "open"]) == {"open"}
    kept = store.jobs.get(DELIVERY, "open")
    assert kept is not None

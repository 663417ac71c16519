"""Bugs are spread over shards that take equally long, and nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge.remote.batch.durations import Expected
from forge.remote.batch.partition import MOST_SHARDS, balance_shards, minutes, spread_bugs


def expecting(*seconds: float) -> list[Expected]:
    return [Expected(seconds=each, tests=int(each)) for each in seconds]


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=300),
    st.integers(1, 300),
)
def test_every_bug_is_in_one_shard(seconds: list[float], wanted: int) -> None:
    shards, left = spread_bugs(
        expecting(*seconds), range(len(seconds)), aim=10, workers=1, shards=wanted
    )

    places = [place for shard in shards for place in shard.bugs]
    assert sorted([*places, *left]) == list(range(len(seconds)))
    assert len(shards) == min(wanted, len(seconds), MOST_SHARDS)
    assert all(shard.bugs for shard in shards)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=200), st.integers(1, 20))
def test_no_shard_is_longer_than_the_mean_and_one_bug(seconds: list[float], count: int) -> None:
    expected = expecting(*seconds)
    shards = balance_shards(expected, range(len(seconds)), min(count, len(seconds)))

    mean = sum(seconds) / len(shards)
    assert max(shard.seconds for shard in shards) <= mean + max(seconds) + 0.01


def test_shards_go_by_time_and_not_by_number() -> None:
    shards, _ = spread_bugs(expecting(60, *[1] * 60), range(61), aim=1, workers=1)

    assert sorted(len(shard.bugs) for shard in shards) == [1, 60]


def test_a_shard_is_as_long_as_was_aimed_at() -> None:
    shards, left = spread_bugs(expecting(*[30] * 100), range(100), aim=5, workers=2)

    assert len(shards) == 5
    assert not left
    assert all(shard.seconds == 600 for shard in shards)


def test_what_no_matrix_has_room_for_is_left() -> None:
    shards, left = spread_bugs(expecting(*[60] * 300), range(300), aim=1, workers=1)

    assert len(shards) == MOST_SHARDS
    assert left == tuple(range(MOST_SHARDS, 300))


def test_a_bug_longer_than_all_room_is_judged_all_the_same() -> None:
    shards, left = spread_bugs(expecting(10**9), range(1), aim=1, workers=1)

    assert [shard.bugs for shard in shards] == [(0,)]
    assert not left


@pytest.mark.parametrize(
    ("seconds", "workers", "paid"), [(30, 1, 4), (31, 1, 5), (120, 4, 4), (0, 1, 4)]
)
def test_each_job_pays_whole_minutes_and_its_setting_up(
    seconds: float, workers: int, paid: int
) -> None:
    shards = balance_shards(expecting(seconds), range(1), 1)

    assert minutes(shards, workers) == paid

"""Never more than GitHub allows, in any window, however many ask at once."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.github.pace import AT_ONCE, HOUR, MINUTE, RequestPace, Window
from tests.mirror.virtual import now, run_virtually

GITHUB_AT_ONCE = 100
GITHUB_CONTENT = {MINUTE: 80, HOUR: 500}
GITHUB_POINTS = {"core": 900, "graphql": 2000}


@dataclass(frozen=True)
class Request:
    """One that somebody wants to send."""

    at: float
    identity: str = "a"
    resource: str = "core"
    writes: bool = False
    there: float = 0.1
    """Seconds until it is at GitHub."""
    back: float = 0.1


@dataclass(frozen=True)
class Arrived:
    at: float
    request: Request

    @property
    def points(self) -> int:
        return 5 if self.request.writes else 1


async def played(requests: Sequence[Request]) -> tuple[list[Arrived], int]:
    """Send requests at one pace; return when each came to GitHub, and the most at once."""
    pace = RequestPace(clock=now)
    arrived: list[Arrived] = []
    flying = most = 0

    async def send(request: Request) -> None:
        nonlocal flying, most
        await asyncio.sleep(request.at)
        async with (
            pace.turn(
                request.identity,
                request.resource,
                points=5 if request.writes else 1,
                creates=request.writes,
                wait=asyncio.sleep,
            ) as turn,
            pace.flight,
        ):
            turn.sent = True
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(request.there)
            arrived.append(Arrived(now(), request))
            await asyncio.sleep(request.back)
            flying -= 1

    await asyncio.gather(*map(send, requests))
    return arrived, most


def most_within(span: float, arrived: Sequence[tuple[float, int]]) -> int:
    """Return the most that came in any window of this length."""
    times = [at for at, _ in sorted(arrived)]
    counts = [count for _, count in sorted(arrived)]
    ends = [bisect_left(times, at + span) for at in times]
    return max((sum(counts[n:end]) for n, end in enumerate(ends)), default=0)


def assert_allowed(arrived: Sequence[Arrived], most_at_once: int) -> None:
    """Assert what GitHub documents: content over all, points for each identity."""
    assert most_at_once <= min(AT_ONCE, GITHUB_AT_ONCE)
    written = [(one.at, 1) for one in arrived if one.request.writes]
    for span, most in GITHUB_CONTENT.items():
        assert most_within(span, written) <= most
    for key in {(one.request.identity, one.request.resource) for one in arrived}:
        own = [
            (one.at, one.points)
            for one in arrived
            if (one.request.identity, one.request.resource) == key
        ]
        assert most_within(MINUTE, own) <= GITHUB_POINTS[key[1]]


def of(requests: Sequence[Request]) -> tuple[list[Arrived], int]:
    return run_virtually(played(requests))


BURSTS = st.builds(
    lambda count, **kind: [Request(**kind)] * count,
    count=st.integers(1, 120),
    at=st.floats(0, 4000),
    identity=st.sampled_from("ab"),
    resource=st.just("core"),
    writes=st.booleans(),
    there=st.floats(0, 50),
    back=st.floats(0, 50),
)


@given(st.lists(BURSTS, min_size=1, max_size=8))
def test_no_window_ever_holds_more_than_github_allows(bursts: list[list[Request]]) -> None:
    requests = [one for burst in bursts for one in burst]
    arrived, most = of(requests)
    assert len(arrived) == len(requests)
    assert_allowed(arrived, most)


def test_a_day_of_reports_takes_no_longer_than_it_has_to() -> None:
    arrived, most = of([Request(0, writes=True)] * 1200)
    assert_allowed(arrived, most)
    took = max(one.at for one in arrived)
    # Two whole hours for the first thousand, and some minutes for the rest.
    assert 2 * HOUR < took < 2 * HOUR + 5 * MINUTE


def test_reading_does_not_wait_behind_writing() -> None:
    writes = [Request(0, writes=True)] * 600
    arrived, most = of([*writes, Request(10)])
    assert_allowed(arrived, most)
    assert next(one.at for one in arrived if not one.request.writes) < 11


def test_one_installation_does_not_wait_behind_the_points_of_another() -> None:
    arrived, most = of([*[Request(0)] * 2000, Request(5, "b")])
    assert_allowed(arrived, most)
    # It only waits for a place among those under way.
    assert next(one.at for one in arrived if one.request.identity == "b") < 20


def test_graphql_has_points_of_its_own() -> None:
    reads = [Request(0, there=0.0, back=0.0)] * 900
    queries = [Request(0, resource="graphql", there=0.0, back=0.0)] * 2000
    arrived, most = of([*reads, *queries])
    assert_allowed(arrived, most)
    assert max(one.at for one in arrived) == 0


def test_who_came_first_is_served_first() -> None:
    requests = [Request(n / 1000, writes=True, there=0, back=n / 100) for n in range(200)]
    arrived, _ = of(requests)
    assert [one.request for one in arrived] == requests


def test_what_was_slow_on_its_way_counts_until_long_after_its_answer() -> None:
    window = Window(1, MINUTE)
    window.begin(1)
    assert window.room_in(1, 1000) is None
    window.end(1, 1000, sent=True)
    assert window.room_in(1, 1000) == MINUTE
    assert window.room_in(1, 1000 + MINUTE) == 0


def test_what_was_not_sent_after_all_does_not_count() -> None:
    window = Window(1, MINUTE)
    window.begin(1)
    window.end(1, 0, sent=False)
    assert window.room_in(1, 0) == 0


def test_who_does_not_want_to_wait_leaves_the_place_to_others() -> None:
    class TooLong(Exception):
        pass

    async def refuse(_: float) -> None:
        raise TooLong

    async def main() -> float:
        pace = RequestPace(clock=now)

        async def write(wait: object) -> None:
            async with pace.turn(
                "a",
                "core",
                points=5,
                creates=True,
                wait=wait,  # type: ignore[arg-type]
            ) as turn:
                turn.sent = True

        for _ in range(80):
            await write(asyncio.sleep)
        with pytest.raises(TooLong):
            await write(refuse)
        await write(asyncio.sleep)
        return now()

    assert run_virtually(main()) == MINUTE

"""The queue: at least once, in turns, and nothing is lost when a worker is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from storage.store import Store
from storage.tables.jobs import Job, NewJob


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def job(subject: str, *, lane: str = "", installation: int = 0, repository: int = 0,
        payload: str = "{}", priority: int = 0) -> NewJob:  # fmt: skip
    return NewJob(
        queue="work",
        kind="crawl",
        subject=subject,
        lane=lane,
        installation=installation,
        repository=repository,
        payload=payload,
        priority=priority,
    )


def take(store: Store, now: float = 0.0, *, worker: str = "w", most: int = 1) -> list[Job]:
    return store.jobs.claim("work", worker, now=now, lease=60, most=most)


def state(store: Store, subject: str) -> str:
    found = store.jobs.get("crawl", subject)
    assert found is not None
    return found.state


def test_a_job_is_claimed_once_and_done(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)

    [claimed] = take(store)
    assert take(store, worker="other") == []
    assert store.jobs.finish(claimed, now=1, note="fine")

    done = store.jobs.get("crawl", "a")
    assert done is not None
    assert (done.state, done.note, done.attempts) == ("done", "fine", 1)


def test_asked_for_twice_while_it_waits_it_is_one_job_with_the_newer_payload(store: Store) -> None:
    assert store.jobs.put_jobs([job("a", payload="1")], now=0) == 1
    assert store.jobs.put_jobs([job("a", payload="2")], now=1) == 0

    [claimed] = take(store, now=1, most=5)
    assert claimed.payload == "2"


def test_asked_for_while_it_runs_it_runs_once_more(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    [first] = take(store)
    store.jobs.put_jobs([job("a")], now=1)
    store.jobs.put_jobs([job("a")], now=1)

    store.jobs.finish(first, now=2)
    [second] = take(store, now=2)
    store.jobs.finish(second, now=3)

    assert take(store, now=4) == []


def test_asked_for_after_its_end_it_begins_anew(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    store.jobs.finish(take(store)[0], now=1)

    assert store.jobs.put_jobs([job("a")], now=2) == 1
    assert [claimed.attempts for claimed in take(store, now=2)] == [1]


def test_a_job_that_is_not_due_waits(store: Store) -> None:
    store.jobs.put_jobs([NewJob(queue="work", kind="crawl", subject="a", due=10)], now=0)

    assert take(store, now=9) == []
    assert len(take(store, now=10)) == 1


def test_jobs_of_one_lane_are_done_one_after_the_other_in_order(store: Store) -> None:
    store.jobs.put_jobs([job("a", lane="x"), job("b", lane="x"), job("c", lane="y")], now=0)

    first = take(store, most=5)
    assert [claimed.subject for claimed in first] == ["a", "c"]
    assert take(store, most=5) == []

    store.jobs.finish(first[0], now=1)
    assert [claimed.subject for claimed in take(store, now=1, most=5)] == ["b"]


def test_installations_take_turns_however_much_one_asks_for(store: Store) -> None:
    store.jobs.put_jobs([job(f"big{n}", installation=1) for n in range(50)], now=0)
    store.jobs.put_jobs([job("small", installation=2)], now=1)

    served = [take(store, now=2)[0].installation for _ in range(3)]

    assert served == [1, 2, 1]


def test_what_is_more_urgent_comes_first_within_an_installation(store: Store) -> None:
    store.jobs.put_jobs([job("later"), job("now", priority=5)], now=0)

    assert take(store)[0].subject == "now"


def test_a_failure_is_tried_again_later_and_at_last_stays_failed(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)

    store.jobs.fail(take(store)[0], "502", now=0, retry_in=30)
    assert take(store, now=29) == []
    [second] = take(store, now=30)
    assert second.attempts == 2

    store.jobs.fail(second, "still 502", now=31, retry_in=None)
    [dead] = store.jobs.all(state="failed")
    assert (dead.error, take(store, now=1e9)) == ("still 502", [])
    assert store.jobs.retry(dead.id, now=40)
    assert take(store, now=40)[0].attempts == 1


def test_what_a_dead_worker_held_is_taken_up_by_another_and_the_dead_cannot_end_it(
    store: Store,
) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    [mine] = take(store, worker="dead")

    assert store.jobs.expire(now=59, most=5) == []
    assert [lost.subject for lost in store.jobs.expire(now=61, most=5)] == ["a"]
    [theirs] = take(store, now=61, worker="alive")

    assert not store.jobs.extend(mine, now=62, lease=60)
    assert not store.jobs.finish(mine, now=62)
    assert not store.jobs.fail(mine, "late", now=62, retry_in=1)
    assert store.jobs.finish(theirs, now=63)


def test_a_heartbeat_holds_a_job(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    [mine] = take(store)

    assert store.jobs.extend(mine, now=50, lease=60, note="half way")

    assert store.jobs.expire(now=100, most=5) == []
    found = store.jobs.get("crawl", "a")
    assert found is not None
    assert found.note == "half way"


def test_all_that_a_worker_held_comes_back_at_once_when_it_is_known_to_be_dead(
    store: Store,
) -> None:
    store.jobs.put_jobs([job("a"), job("b")], now=0)
    take(store, worker="serve:1")
    take(store, worker="work:2")

    assert [lost.subject for lost in store.jobs.expire(now=1, most=5, worker="serve:")] == ["a"]


def test_what_kills_its_workers_is_set_aside(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    for now in (0, 100, 200):
        assert len(take(store, now=now)) == 1
        store.jobs.expire(now=now + 61, most=3)

    assert state(store, "a") == "failed"


def test_a_job_in_hand_when_workers_were_killed_lets_others_go_first(store: Store) -> None:
    """It may be what kills them, or have only run beside that."""
    store.jobs.put_jobs([job("a")], 1)
    rests = []
    for now in range(1000, 6000, 1000):
        take(store, now)
        store.jobs.expire(now=now + 60.5, most=10)
        found = store.jobs.get("crawl", "a")
        assert found is not None
        rests.append(found.due - (now + 60.5))

    assert rests == [0, 0, 5, 10, 20]


def test_opting_out_cancels_what_waits_and_what_runs(store: Store) -> None:
    store.jobs.put_jobs(
        [job("a", repository=7), job("b", repository=7), job("c", repository=8)], now=0
    )
    [running] = take(store)

    assert len(store.jobs.cancel(7, now=1, queues=["work"], why="opted out")) == 2

    assert not store.jobs.extend(running, now=2, lease=60)
    assert not store.jobs.finish(running, now=2)
    assert [claimed.subject for claimed in take(store, now=3, most=5)] == ["c"]


def test_what_a_job_writes_is_written_with_its_end_or_not_at_all(store: Store) -> None:
    store.jobs.put_jobs([job("a")], now=0)
    [claimed] = take(store)

    with pytest.raises(RuntimeError), store.together():
        store.jobs.put_jobs([job("effect")], now=1)
        store.jobs.finish(claimed, now=1)
        raise RuntimeError

    assert (state(store, "a"), store.jobs.get("crawl", "effect")) == ("running", None)


class Queue(RuleBasedStateMachine):
    """Workers that come, work, fail and die in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(":memory:")
        self.now = 0.0
        self.asked: set[str] = set()
        self.held: list[Job] = []

    def teardown(self) -> None:
        self.store.close()

    @rule(subject=sampled_from("abcdef"), lane=sampled_from(["", "x", "y"]))
    def ask(self, subject: str, lane: str) -> None:
        self.store.jobs.put_jobs(
            [job(subject, lane=lane, installation=ord(subject) % 2)], now=self.now
        )
        self.asked.add(subject)

    @rule(most=integers(1, 3))
    def claim(self, most: int) -> None:
        self.held += take(self.store, self.now, worker=f"w{len(self.held)}", most=most)

    @rule(how=sampled_from(["finish", "retry", "die"]))
    def end(self, how: str) -> None:
        if self.held:
            mine = self.held.pop(0)
            if how == "finish":
                self.store.jobs.finish(mine, now=self.now)
            elif how == "retry":
                self.store.jobs.fail(mine, "no", now=self.now, retry_in=5)

    @rule(seconds=integers(1, 90))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.store.jobs.expire(now=self.now, most=1000)

    @invariant()
    def nothing_is_lost(self) -> None:
        known = {found.subject for found in self.store.jobs.all()}
        assert known == self.asked

    @invariant()
    def one_at_a_time_in_a_lane(self) -> None:
        running = [found.lane for found in self.store.jobs.all(state="running") if found.lane]
        assert len(running) == len(set(running))


TestQueue = Queue.TestCase
TestQueue.settings = settings(stateful_step_count=25)

"""What judging came to, and what each valid task took of the runners."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forge.remote.batch.ingestion import keep_environment
from forge.study.stats import stats
from storage.records import Dispatch, MinuteLimit
from storage.store import Store
from tasks.make import make_task
from tests.bot.batches import ENVIRONMENT, REPOSITORY, bug, packed, verdict_on


def sent(plan: str, **changed: object) -> Dispatch:
    made = Dispatch(
        plan=plan,
        repository="acme/shop",
        environment=ENVIRONMENT.id,
        place="actions:operator/mirror",
        created="2026-11-20T10:00:00+00:00",
        expected=10.0,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def filled(path: Path) -> Store:
    store = Store(path)
    keep_environment(packed(), store)
    for number, reason in enumerate(("valid", "valid", "no-test-failed")):
        found = bug(number)
        store.add_bug(found)
        verdict = verdict_on(found.id, reason)
        store.add_verdict(verdict)
        if verdict.valid:
            store.add_task(make_task(REPOSITORY, found, verdict))
    return store


def test_minutes_are_those_of_runs_and_shared_by_the_valid(tmp_path: Path) -> None:
    with filled(tmp_path / "s.db") as store:
        store.dispatches.intend(sent("a", state="ended", used=7.0, verdicts=3, valid=2))
        store.dispatches.intend(sent("b", state="dispatched"))
        (row,) = stats(store, "2026-11").repositories

    assert (row.repository, row.verdicts, row.valid, row.tasks) == ("acme/shop", 3, 2, 2)
    assert (row.runner_minutes, row.expected_minutes, row.minutes_per_task) == (7.0, 20.0, 3.5)


def test_what_is_under_way_counts_against_the_month_as_expected(tmp_path: Path) -> None:
    with filled(tmp_path / "s.db") as store:
        store.dispatches.set_limit(MinuteLimit(scope="month", minutes=100))
        store.dispatches.intend(sent("a", state="ended", used=7.0))
        store.dispatches.intend(sent("b", state="dispatched"))
        store.dispatches.intend(sent("c", created="2026-10-31T23:59:59+00:00", used=50.0))
        found = stats(store, "2026-11")

    assert found.month_minutes == 17
    assert [(limit.scope, limit.used) for limit in found.limits] == [("month", 17)]


def test_a_limit_holds_for_its_repository_alone(tmp_path: Path) -> None:
    limit = MinuteLimit(scope="repository", of="acme/shop", minutes=15)
    with filled(tmp_path / "s.db") as store:
        store.dispatches.set_limit(limit)
        assert store.dispatches.intend(sent("a")) is None
        assert store.dispatches.intend(sent("b")) == limit
        assert store.dispatches.intend(sent("c", repository="acme/other")) is None
        store.dispatches.set_limit(replace(limit, minutes=-1))
        assert store.dispatches.intend(sent("b")) is None
        assert not store.dispatches.limits()


def test_a_batch_that_is_kept_already_sets_nothing_more_aside(tmp_path: Path) -> None:
    with filled(tmp_path / "s.db") as store:
        store.dispatches.set_limit(MinuteLimit(scope="month", minutes=15))
        store.dispatches.intend(sent("a"))
        store.dispatches.set_dispatch(sent("a", state="dispatched", run="1"))

        assert store.dispatches.intend(sent("a")) is None
        assert store.dispatches.all()[0].run == "1"

"""Many questions sent together: submitted, stopped, resumed, collected, and paid once."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm.batch_model import BatchModel
from llm.batches import parts
from llm.budget import DollarLimits
from llm.errors import BudgetSpent, NotAnswered, Submitted
from storage.errors import ModelError
from storage.store import Store
from tests.furniture.batches_api import batches_api
from tests.furniture.messages_api import Scripted
from tests.furniture.models import PRICE, TOOL, batched, dollars


async def ask(model: BatchModel, prompts: str = "abc") -> list[Any]:
    """Ask many things at once; errors come in the place of answers."""
    asked = (
        model.ask(purpose="modify", system="s", prompt=prompt, tool=TOOL, strategy="modify")
        for prompt in prompts
    )
    return await asyncio.gather(*asked, return_exceptions=True)


def answer(body: dict[str, Any]) -> dict[str, int]:
    """An answer that tells the question."""
    return {"value": ord(body["messages"][0]["content"])}


ANSWERS = [{"value": ord(letter)} for letter in "abc"]


async def test_questions_at_the_same_time_are_one_batch_at_half_the_price() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True) as service:
        assert await ask(batched(service, store)) == ANSWERS
    assert len(service.batches) == 1
    (line,) = store.calls.sums()
    assert (line.calls, line.strategy) == (3, "modify")
    whole = sum(dollars(PRICE, usage) for usage in service.usages)
    assert line.dollars == pytest.approx(whole / 2)
    assert store.calls.holds() == []
    assert store.batches.open() == []


async def test_submit_stop_and_collect_in_another_run() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True) as service:
        first = await ask(batched(service, store, wait=False))
        assert all(isinstance(each, Submitted) for each in first)
        assert "msgbatch_1" in str(first[0])
        service.looks = 0
        assert await ask(batched(service, store, wait=False)) == ANSWERS
    assert len(service.batches) == 1
    assert len(service.usages) == 3


async def test_stopped_while_it_waits_and_resumed_nothing_is_sent_again() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, looks=50) as service:
        waiting = asyncio.ensure_future(ask(batched(service, store), "ab"))
        while not service.batches:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await ask(batched(service, store)) == ANSWERS
    assert [len(batch.requests) for batch in service.batches.values()] == [2, 1]
    assert Counter(body["messages"][0]["content"] for body in service.asked) == Counter("abc")


@pytest.mark.parametrize("fault", ["drop", 502, 504])
async def test_a_batch_that_was_taken_though_no_answer_came_is_found(fault: Any) -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, after_effect=[fault]) as service:
        assert await ask(batched(service, store)) == ANSWERS
    assert len(service.batches) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("arrives", [True, False])
async def test_killed_before_the_name_could_be_kept(
    arrives: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The intent alone is stored; the batch is found by its size and time, or was never sent."""
    path = tmp_path / "s.db"
    async with batches_api(answer, repeat=True, looks=3) as service:
        with Store(path) as store, monkeypatch.context() as patch:
            model = batched(service, store)
            target = store.batches if arrives else model.queue._batcher.client.messages.batches
            name = "record_name" if arrives else "create"

            def die(*args: Any, **kwargs: Any) -> None:
                raise Killed

            patch.setattr(target, name, die)
            waiting = asyncio.ensure_future(ask(model))
            while model.queue._work is None or not model.queue._work.done():
                await asyncio.sleep(0.01)
            with pytest.raises(Killed):
                model.queue._work.result()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        service.add([{"custom_id": f"{n}", "params": {}} for n in range(7)])
        with Store(path) as store:
            assert await ask(batched(service, store)) == ANSWERS
            assert store.calls.holds() == []
    assert len(service.asked) == 3


async def test_a_batch_of_somebody_else_that_looks_like_ours_is_told_by_its_keys() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, after_effect=["drop"], looks=0) as service:
        taken = service.add

        def add(requests: list[dict[str, Any]]) -> Any:
            ours = taken(requests)
            theirs = taken([{**each, "custom_id": f"x{n}"} for n, each in enumerate(requests)])
            return ours if ours.id == "msgbatch_1" else theirs

        service.add = add  # type: ignore[method-assign]
        assert await ask(batched(service, store)) == ANSWERS
    assert len(service.batches) == 2


@pytest.mark.parametrize("outcome", ["expired", "canceled"])
async def test_what_came_to_nothing_is_named_costs_nothing_and_goes_again(outcome: str) -> None:
    store = Store(":memory:")
    async with batches_api(Scripted(outcome=outcome), {"value": 2}, {"value": 3}) as service:
        first, second = await ask(batched(service, store), "ab")
        assert isinstance(first, NotAnswered)
        assert first.outcome == outcome
        assert second == {"value": 2}
        assert store.calls.holds() == []
        assert await ask(batched(service, store), "ab") == [{"value": 3}, {"value": 2}]


async def test_what_the_service_found_wrong_is_told() -> None:
    store = Store(":memory:")
    async with batches_api(Scripted(status=400, content="too long"), {"value": 2}) as service:
        first, second = await ask(batched(service, store), "ab")
    assert isinstance(first, NotAnswered)
    assert first.outcome == "errored"
    assert "invalid_request_error: too long" in str(first)
    assert second == {"value": 2}


async def test_results_that_are_gone_count_as_paid() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, gone={"msgbatch_1"}) as service:
        (only,) = await ask(batched(service, store), "a")
    assert isinstance(only, NotAnswered)
    assert only.outcome == "lost"
    assert len(store.calls.holds()) == 1


async def test_what_the_budget_does_not_allow_is_not_submitted() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True) as service:
        got = await ask(batched(service, store, limits=DollarLimits(run=0.07)), "abc")
    assert got[:2] == ANSWERS[:2]
    assert isinstance(got[2], BudgetSpent)
    assert len(service.asked) == 2


async def test_a_batch_can_be_stopped_at_the_service() -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, looks=9) as service:
        model = batched(service, store, wait=False)
        await ask(model, "ab")
        await model.queue._batcher.cancel()
        got = await ask(batched(service, store), "ab")
    assert [each.outcome for each in got] == ["canceled", "canceled"]
    assert store.calls.holds() == []


async def test_a_service_that_takes_no_batch_is_told_to_everybody() -> None:
    store = Store(":memory:")
    async with batches_api() as service:
        assert service.client is not None
        service.client = service.client.with_options(base_url="http://127.0.0.1:9")
        got = await ask(batched(service, store), "ab")
    assert all(isinstance(each, ModelError) for each in got)
    assert "cannot be reached" in str(got[0])


@given(
    kills=st.lists(st.integers(0, 25), max_size=4),
    letters=st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=8).map(
        lambda text: "".join(sorted(set(text)))
    ),
    faults=st.lists(st.sampled_from([None, "drop", 502, 529]), max_size=3),
)
@settings(suppress_health_check=list(HealthCheck))
def test_killed_anywhere_and_resumed_no_call_is_paid_twice(
    kills: list[int], letters: str, faults: list[Any]
) -> None:
    """Each run is stopped after so many milliseconds; the last one runs to its end."""
    asyncio.run(killed_and_resumed(kills, letters, faults))


async def killed_and_resumed(kills: list[int], letters: str, faults: list[Any]) -> None:
    store = Store(":memory:")
    async with batches_api(answer, repeat=True, after_effect=list(faults), looks=2) as service:
        for milliseconds in kills:
            run = asyncio.ensure_future(ask(batched(service, store), letters))
            await asyncio.sleep(milliseconds / 1000)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await asyncio.sleep(0.02)
        assert await ask(batched(service, store), letters) == [{"value": ord(x)} for x in letters]
    paid = Counter(body["messages"][0]["content"] for body in service.asked)
    assert paid == Counter(letters)
    store.close()


def test_what_one_batch_cannot_hold_goes_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sized:
        def __init__(self, characters: int) -> None:
            self.characters = characters

    monkeypatch.setattr("llm.batches.MOST_CHARACTERS", 10)
    monkeypatch.setattr("llm.batches.MOST_REQUESTS", 3)
    sizes = [4, 4, 4, 1, 1, 1, 1, 30, 1]
    found = parts([Sized(size) for size in sizes])  # type: ignore[misc]
    assert [[n for _, n in part] for part in found] == [[4, 4], [4, 1, 1], [1, 1], [30], [1]]

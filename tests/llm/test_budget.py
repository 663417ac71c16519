"""No limit is ever passed: not by calls at once, not by what was cut off, not in another run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm.budget import Budget, DollarLimits
from llm.claude import Claude
from llm.client import Model
from llm.errors import BudgetSpent
from llm.prices import Price, Tokens, compute_cost
from storage.errors import ModelError
from storage.records import Limit
from storage.store import Store
from tests.furniture.messages_api import Scripted, messages_api
from tests.furniture.models import TOOL, Clock, ask, at_once, dollars, model


@dataclass(frozen=True)
class Question:
    """One call of a random run, and what the service does with it."""

    prompt: str
    shared: str
    output: int
    repository: str
    fate: str

    def script(self) -> Scripted:
        answer = {"value": 1}
        if self.fate == "busy":
            return Scripted(status=529)
        return Scripted(
            content=answer,
            output_tokens=self.output,
            cut=self.fate == "cut",
            broken="overloaded_error" if self.fate == "broken" else "",
            wait=0.01 if self.fate == "slow" else 0.0,
        )


QUESTIONS = st.lists(
    st.builds(
        Question,
        prompt=st.text(min_size=1, max_size=30).map(lambda text: text.replace("\ud800", "")),
        shared=st.sampled_from(["", "a" * 9000, "é漢🐞" * 3000]),
        output=st.sampled_from([5, 900, 4096, 9000]),
        repository=st.sampled_from(["a/a", "b/b"]),
        fate=st.sampled_from(["well", "well", "slow", "busy", "cut", "broken"]),
    ),
    min_size=2,
    max_size=16,
)
PRICES = st.builds(
    Price,
    input=st.floats(0.05, 50),
    output=st.floats(0.05, 100),
    cache_read=st.sampled_from([0.025, 0.1]),
    long_from=st.sampled_from([0, 2000]),
    long_factor=st.just(5.0),
)
CALLS = st.one_of(st.none(), st.floats(0.5, 6))
"""A limit, in calls of a usual size: so that it is met after some of them."""


@given(
    price=PRICES,
    questions=QUESTIONS,
    at_once_=st.integers(1, 8),
    limits=st.tuples(CALLS, CALLS, CALLS),
    density=st.sampled_from([1.0, 1.0, 3.5]),
)
@settings(suppress_health_check=list(HealthCheck))
def test_no_limit_is_passed_at_any_price_size_and_concurrency(
    price: Price,
    questions: list[Question],
    at_once_: int,
    limits: tuple[float | None, float | None, float | None],
    density: float,
) -> None:
    """What the service billed, answers that never arrived included, is within every limit."""
    usual = compute_cost(price, Tokens(cache_write=9000, output=4096))
    run_, repository, month = (None if calls is None else calls * usual for calls in limits)
    limited = DollarLimits(run=run_, repository=repository, month=month)
    asyncio.run(run(price, questions, at_once_, limited, density))


async def run(
    price: Price, questions: list[Question], at_once_: int, limits: DollarLimits, density: float
) -> None:
    fates = {f"{n}": question for n, question in enumerate(questions)}
    billed: dict[str, float] = {"a/a": 0.0, "b/b": 0.0}

    def answer(body: dict[str, Any]) -> Scripted:
        return fates[number_of(body)].script()

    store = Store(":memory:")
    async with messages_api(answer, repeat=True) as service:
        assert service.client is not None
        service.cache.bytes_per_token = density
        budget = Budget(store.calls, limits)
        asked = Model(
            service=Claude(service.client, "claude-sonnet-4-6"),
            price=price,
            budget=budget,
            calls=store.calls,
            sleep=at_once,
        )
        gate = asyncio.Semaphore(at_once_)

        async def one(number: str, question: Question) -> None:
            async with gate:
                with suppress(ModelError):
                    await asked.within(repository=question.repository).ask(
                        purpose="p",
                        system="s",
                        prompt=f"{number}:{question.prompt}",
                        tool=TOOL,
                        shared=question.shared,
                    )

        await asyncio.gather(*(one(*each) for each in fates.items()))
        for body, usage in service.bills:
            billed[fates[number_of(body)].repository] += dollars(price, usage)
    total = sum(billed.values())
    slack = 1e-9
    assert limits.run is None or total <= limits.run + slack
    assert limits.month is None or total <= limits.month + slack
    assert limits.repository is None or max(billed.values()) <= limits.repository + slack
    known = store.calls.sum_dollars(Limit(scope="run", of=budget.run, dollars=0))
    assert known >= total - slack
    store.close()


def number_of(body: dict[str, Any]) -> str:
    """Which of the questions a request asks."""
    content = body["messages"][0]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    return str(text.partition(":")[0])


async def test_what_was_cut_off_still_counts_in_the_next_run() -> None:
    store = Store(":memory:")
    async with messages_api(Scripted(content={"value": 1}, wait=9), {"value": 1}) as service:
        limits = DollarLimits(repository=0.1)
        first = asyncio.ensure_future(ask(model(service, store=store, limits=limits)))
        await asyncio.sleep(0.2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(BudgetSpent, match=r"the repository's \$0.10 left.*`bugfoundry costs`"):
            await ask(model(service, store=store, limits=limits))
        (hold,) = store.calls.holds()
        store.calls.release(hold.id)
        assert await ask(model(service, store=store, limits=limits)) == {"value": 1}


async def test_a_month_begins_anew() -> None:
    clock = Clock()
    store = Store(":memory:")
    spent = Scripted(content={"value": 1}, output_tokens=4000)
    async with messages_api(spent, {"value": 2}, clock=clock) as service:
        asked = model(service, store=store, limits=DollarLimits(month=0.1))
        await ask(asked, "one")
        with pytest.raises(BudgetSpent, match="the month's"):
            await ask(asked, "two")
        clock.now += 31 * 24 * 3600
        assert await ask(asked, "two") == {"value": 2}


async def test_what_the_service_did_not_work_on_is_free_again() -> None:
    async with messages_api(400, {"value": 1}) as service:
        asked = model(service, budget=0.075)
        with pytest.raises(ModelError):
            await ask(asked)
        assert asked.calls.holds() == []
        await ask(asked)


async def test_two_who_ask_the_same_at_once_pay_once() -> None:
    async with messages_api(Scripted(content={"value": 1}, wait=0.05), {"value": 2}) as service:
        asked = model(service)
        other = asked.within(strategy="modify")
        answers = await asyncio.gather(*(ask(each) for each in (asked, other, asked)))
    assert answers == [{"value": 1}] * 3
    assert len(service.asked) == 1


async def test_when_the_first_of_two_is_stopped_the_second_asks() -> None:
    slow = Scripted(content={"value": 1}, wait=9)
    async with messages_api(slow, {"value": 2}) as service:
        asked = model(service)
        first = asyncio.ensure_future(ask(asked))
        second = asyncio.ensure_future(ask(asked))
        await asyncio.sleep(0.1)
        first.cancel()
        assert await second == {"value": 2}


async def test_a_call_is_kept_with_all_that_it_was() -> None:
    store = Store(":memory:")
    async with messages_api({"value": 1}) as service:
        asked = model(service, store=store).within(repository="a/b", strategy="modify")
        await ask(asked)
        (usage,) = service.usages
    (line,) = store.calls.sums()
    assert (line.purpose, line.repository, line.strategy) == ("test", "a/b", "modify")
    assert (line.calls, line.model) == (1, "claude-sonnet-4-6")
    assert (line.input_tokens, line.output_tokens) == (
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert line.dollars == pytest.approx(dollars(Price(input=3, output=15), usage))
    assert line.seconds > 0
    assert store.calls.holds() == []

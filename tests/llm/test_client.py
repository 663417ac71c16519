"""Asking a model: in a form, within a budget, and never twice for the same."""

from __future__ import annotations

import pytest

from llm.client import Ledger, Model, Tool
from llm.errors import Declined, MalformedAnswer
from llm.patience import Sleep
from llm.prices import Price, Tokens, cost, price_of
from storage.errors import ConfigError, ModelError
from storage.store import Store
from tests.furniture.messages_api import Scripted, Service, messages_api

FORM = {"type": "object", "properties": {"value": {"type": "integer"}}}
TOOL = Tool(name="answer", description="An answer.", schema=FORM)


async def at_once(seconds: float) -> None:
    """Wait for nothing."""


def model(service: Service, *, budget: float = 1.0, sleep: Sleep = at_once) -> Model:
    assert service.client is not None
    store = Store(":memory:")
    return Model(
        service.client,
        name="claude-sonnet-4-6",
        price=Price(input=3, output=15),
        budget=budget,
        ledger=Ledger(find=store.calls.get, keep=lambda call: store.calls.settle("", call)),
        sleep=sleep,
    )


async def ask(asked: Model, prompt: str = "?") -> dict[str, object]:
    return await asked.ask(purpose="test", system="s", prompt=prompt, tool=TOOL)


async def test_an_answer_comes_in_the_form_that_was_asked_for() -> None:
    async with messages_api({"value": 1}) as service:
        assert await ask(model(service)) == {"value": 1}
    assert service.asked[0]["tool_choice"] == {"type": "tool", "name": "answer"}


async def test_the_same_request_is_not_paid_twice() -> None:
    async with messages_api({"value": 1}, {"value": 2}) as service:
        asked = model(service)
        assert await ask(asked) == await ask(asked) == {"value": 1}
        assert await ask(asked, "another") == {"value": 2}
    assert len(service.asked) == 2


async def test_a_call_that_could_pass_the_budget_is_not_made() -> None:
    async with messages_api({"value": 1}) as service:
        with pytest.raises(ModelError, match="budget is spent"):
            await ask(model(service, budget=0.01))
    assert service.asked == []


async def test_what_was_reserved_and_not_spent_can_be_spent_later() -> None:
    async with messages_api({"value": 1}, {"value": 2}) as service:
        asked = model(service, budget=0.075)
        await ask(asked, "one")
        await ask(asked, "two")
    assert len(service.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_what_the_service_refuses_is_not_asked_again(status: int) -> None:
    async with messages_api(status) as service:
        with pytest.raises(ModelError, match=f"refused: {status}"):
            await ask(model(service))
    assert len(service.asked) == 1


async def test_a_text_in_place_of_an_answer_declines_and_is_not_paid_twice() -> None:
    async with messages_api("I would rather\nnot.") as service:
        asked = model(service)
        for _ in range(2):
            with pytest.raises(Declined, match=r"declined: I would rather not\.$"):
                await ask(asked)
    assert len(service.asked) == 1


async def test_a_refusal_declines_whatever_it_holds() -> None:
    async with messages_api(Scripted(content={"value": 1}, stop_reason="refusal")) as service:
        with pytest.raises(Declined, match="no reason"):
            await ask(model(service))


async def test_an_answer_cut_off_is_malformed_and_is_not_paid_twice() -> None:
    async with messages_api(Scripted(content={"value": 1}, stop_reason="max_tokens")) as service:
        asked = model(service)
        for _ in range(2):
            with pytest.raises(MalformedAnswer, match="form"):
                await ask(asked)
    assert len(service.asked) == 1


async def test_an_answer_out_of_form_is_told_where() -> None:
    async with messages_api({"value": "one"}) as service:
        with pytest.raises(MalformedAnswer, match=r"\$\.value: 'one' is not of type 'integer'"):
            await ask(model(service))


async def test_what_is_shared_is_cached_and_comes_first() -> None:
    async with messages_api({"value": 1}, {"value": 2}) as service:
        asked = model(service)
        for n in range(2):
            await asked.ask(purpose="t", system="s", prompt=str(n), tool=TOOL, shared="long")
    first, second = (request["messages"][0]["content"] for request in service.asked)
    assert first[0] == second[0]
    assert first[0] == {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    assert [first[1]["text"], second[1]["text"]] == ["0", "1"]


def test_tokens_cost_what_their_kind_costs() -> None:
    tokens = Tokens(input=1_000_000, output=100_000, cache_write=100_000, cache_read=1_000_000)
    assert cost(Price(input=3, output=15), tokens) == pytest.approx(3 + 1.5 + 0.375 + 0.3)


def test_a_model_without_a_known_price_needs_one() -> None:
    with pytest.raises(ConfigError, match="BUGFOUNDRY_MODEL_PRICE"):
        price_of("some-model")
    assert price_of("some-model", "1/2.5") == Price(input=1, output=2.5)
    with pytest.raises(ConfigError, match="as 3/15"):
        price_of("some-model", "cheap")

"""Asking a model: in a form, within a budget, and never twice for the same."""

from __future__ import annotations

import pytest

from llm.errors import Declined, MalformedAnswer
from storage.errors import ModelError
from tests.furniture.messages_api import Scripted, messages_api
from tests.furniture.models import ask, model


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

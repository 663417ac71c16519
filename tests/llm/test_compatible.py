"""Open models behind the same interface: asked, refused, cut off, busy."""

from __future__ import annotations

from typing import Any

import pytest

from llm.budget import Budget, DollarLimits
from llm.client import Model
from llm.compatible import Compatible
from llm.errors import BudgetSpent, Declined, MalformedAnswer, Overloaded
from llm.prices import FREE, Price
from storage.errors import ModelError
from storage.store import Store
from tests.furniture.chat_api import Chat, Said, chat_api
from tests.furniture.models import TOOL, at_once

RIGHT = Said(arguments='{"value": 1}')


def model(chat: Chat, *, price: Price = FREE, limit: float = 0.0, **options: Any) -> Model:
    store = Store(":memory:")
    return Model(
        service=Compatible(chat.url, "qwen", **options),
        price=price,
        budget=Budget(store.calls, DollarLimits(run=limit)),
        calls=store.calls,
        sleep=at_once,
    )


async def ask(asked: Model) -> dict[str, Any]:
    return await asked.ask(
        purpose="p", system="s", prompt="prompt", tool=TOOL, shared=("overview", "file")
    )


async def test_an_answer_in_the_form_for_nothing() -> None:
    async with chat_api(Said(arguments='{"value": 1}', cached=400)) as chat:
        asked = model(chat, key="secret")
        assert await ask(asked) == await ask(asked) == {"value": 1}
    (body,) = chat.asked
    assert body["messages"][1]["content"] == "overview\n\nfile\n\nprompt"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "answer"}}
    assert chat.keys == ["Bearer secret"]
    (line,) = asked.calls.sums()
    assert (line.input_tokens, line.cache_read_tokens, line.output_tokens) == (100, 400, 20)
    assert line.dollars == 0


async def test_a_price_that_is_given_is_counted_and_limited() -> None:
    async with chat_api(RIGHT) as chat:
        price = Price(input=100, output=100)
        with pytest.raises(BudgetSpent):
            await ask(model(chat, price=price, limit=0.1))
        asked = model(chat, price=price, limit=10)
        await ask(asked)
    assert asked.calls.sums()[0].dollars == pytest.approx(520 * 100 / 1e6)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (Said(text="I would rather not.", finish="stop"), Declined, "rather not"),
        (Said(refusal="No.", finish="stop"), Declined, "No."),
        (Said(text=None, finish="content_filter"), Declined, "no reason"),
        (Said(arguments='{"value": 1}', finish="length"), MalformedAnswer, "complete"),
        (Said(arguments='{"value": '), MalformedAnswer, "complete"),
        (Said(arguments='{"value": "one"}'), MalformedAnswer, "not of type"),
        (Said(status=400), ModelError, "refused: 400 scripted"),
        (Said(raw="<html>"), ModelError, "no chat completion"),
        (Said(raw="[]"), ModelError, "no chat completion"),
    ],
)
async def test_what_is_no_answer_is_named(said: Said, error: type[Exception], words: str) -> None:
    async with chat_api(said) as chat:
        with pytest.raises(error, match=words):
            await ask(model(chat))
    assert len(chat.asked) == 1


async def test_a_busy_server_and_a_broken_connection_are_tried_again() -> None:
    async with chat_api(Said(status=503), Said(cut=True), RIGHT) as chat:
        assert await ask(model(chat)) == {"value": 1}


async def test_a_server_that_asks_for_too_long_a_wait_is_given_up() -> None:
    async with chat_api(Said(status=429, headers={"retry-after": "900"})) as chat:
        with pytest.raises(Overloaded):
            await ask(model(chat))


async def test_a_server_that_is_slow_or_not_there() -> None:
    async with chat_api(Said(arguments="{}", wait=1)) as chat:
        with pytest.raises(ModelError, match="in time"):
            await ask(model(chat, timeout=0.05))
        chat.url = "http://127.0.0.1:9/v1"
        with pytest.raises(ModelError, match="cannot be reached"):
            await ask(model(chat))


async def test_arguments_may_be_an_object_as_ollama_gives_them() -> None:
    raw = (
        '{"choices": [{"finish_reason": "stop", "message": {"tool_calls": [{"function": '
        '{"name": "answer", "arguments": {"value": 1}}}]}}]}'
    )
    async with chat_api(Said(raw=raw)) as chat:
        assert await ask(model(chat)) == {"value": 1}

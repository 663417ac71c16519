"""Answers that come in pieces, whole ones and those that break off."""

from __future__ import annotations

import pytest

from llm.client import Model
from llm.errors import Declined, MalformedAnswer
from storage.errors import ModelError
from tests.furniture.messages_api import Scripted, messages_api
from tests.furniture.models import TOOL, model

LONG = 20_000


async def ask(asked: Model, prompt: str = "?") -> dict[str, object]:
    return await asked.ask(purpose="t", system="s", prompt=prompt, tool=TOOL, max_output=LONG)


async def test_a_long_answer_is_streamed_and_put_together() -> None:
    answer = {"value": 1, "text": "é" * 500 + "\ud800"}
    async with messages_api(answer) as service:
        asked = model(service, budget=10)
        assert await ask(asked) == answer
    assert service.asked[0]["stream"] is True
    (line,) = asked.calls.sums()
    assert line.input_tokens == service.usages[0]["input_tokens"]
    assert line.output_tokens == service.usages[0]["output_tokens"]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (Scripted(content="No, thank you."), Declined),
        (Scripted(content="I will not.", stop_reason="refusal"), Declined),
        (Scripted(content={"value": 1}, output_tokens=30_000), MalformedAnswer),
        (Scripted(content={"value": "x" * 200}), MalformedAnswer),
    ],
)
async def test_what_is_no_answer_is_named_and_paid_once(
    script: Scripted, error: type[ModelError]
) -> None:
    async with messages_api(script) as service:
        asked = model(service, budget=10)
        for _ in range(2):
            with pytest.raises(error):
                await ask(asked)
    assert len(service.asked) == 1


@pytest.mark.parametrize("fault", [{"broken": "overloaded_error"}, {"cut": True}])
async def test_what_breaks_off_is_asked_again_and_both_are_counted(fault: dict[str, str]) -> None:
    async with messages_api(Scripted(content={"value": 9}, **fault), {"value": 1}) as service:
        asked = model(service, budget=10)
        assert await ask(asked) == {"value": 1}
    assert len(service.asked) == 2
    assert len(asked.calls.holds()) == 1


async def test_an_error_in_the_middle_that_will_not_pass_is_final() -> None:
    script = Scripted(content={"value": 9}, broken="invalid_request_error")
    async with messages_api(script, {"value": 1}) as service:
        with pytest.raises(ModelError, match="invalid_request_error"):
            await ask(model(service, budget=10))
    assert len(service.asked) == 1

"""What is known of the models that the SDK lists: prices, and what a request may hold."""

from __future__ import annotations

from typing import get_args

import pytest

from llm.models import DEFAULT_MODEL, KNOWN, traits
from llm.prices import KNOWN as PRICES
from llm.prices import Price, Tokens, compute_cost, given_price, price_of, worst_case
from storage.errors import ConfigError
from tests.furniture.messages_api import UNFORCED, messages_api
from tests.furniture.models import ask, model

WITHOUT_PRICE = {"claude-fable-5-2", "claude-mythos-5-2", "claude-mythos-preview"}
"""Those for which no price is published where we could read it: they need one to be given."""


def listed() -> list[str]:
    """Return the models that the SDK knows."""
    from anthropic.types import ModelParam

    return [name for part in get_args(ModelParam) for name in get_args(part)]


def deprecated() -> set[str]:
    """Return those of them that are no longer to be used."""
    from anthropic.resources.messages.messages import DEPRECATED_MODELS

    return {*DEPRECATED_MODELS}


def test_every_model_of_the_sdk_has_a_price_or_is_refused() -> None:
    assert listed()
    for name in listed():
        if name in WITHOUT_PRICE:
            with pytest.raises(ConfigError, match="BUGFOUNDRY_MODEL_PRICE"):
                price_of(name)
        else:
            assert price_of(name).output > price_of(name).input > 0
    assert KNOWN.keys() == PRICES.keys()


def test_the_default_model_is_current() -> None:
    assert DEFAULT_MODEL in listed()
    assert DEFAULT_MODEL not in deprecated()


@pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", sorted(KNOWN))
async def test_every_model_is_asked_in_a_way_that_it_takes(name: str) -> None:
    async with messages_api({"value": 1}) as service:
        assert await ask(model(service, name=name)) == {"value": 1}
    (body,) = service.asked
    assert (body["tool_choice"]["type"] == "auto") >= name.startswith(UNFORCED)
    assert ("`answer`" in body["system"]) == (body["tool_choice"]["type"] == "auto")


def test_a_dated_version_is_known_and_another_version_is_not() -> None:
    assert price_of("claude-haiku-4-5-20251001") == PRICES["claude-haiku-4-5"]
    assert traits("claude-opus-4-5-20251101") == KNOWN["claude-opus-4-5"]
    assert not traits("claude-sonnet-5-6").forced
    with pytest.raises(ConfigError):
        price_of("claude-sonnet-5-6")


def test_tokens_cost_what_their_kind_costs() -> None:
    tokens = Tokens(input=1_000_000, output=100_000, cache_write=100_000, cache_read=1_000_000)
    assert compute_cost(Price(input=3, output=15), tokens) == pytest.approx(3 + 1.5 + 0.375 + 0.3)
    assert compute_cost(Price(input=3, output=15), tokens, batch=True) == pytest.approx(5.175 / 2)
    assert compute_cost(
        price_of("claude-sonnet-5-5"), Tokens(cache_read=1_000_000)
    ) == pytest.approx(0.1)


def test_a_long_request_costs_more_where_the_price_says_so() -> None:
    haiku = price_of("claude-haiku-5-5")
    assert compute_cost(haiku, Tokens(input=100_000)) == pytest.approx(0.01)
    assert compute_cost(haiku, Tokens(input=1, cache_read=100_000)) == pytest.approx(5 * 0.0010001)
    assert worst_case(haiku, 200_000, 0) > compute_cost(haiku, Tokens(input=200_000))


def test_a_price_is_given_as_a_person_writes_it() -> None:
    assert given_price("1/2.5") == price_of("some-model", "1/2.5") == Price(input=1, output=2.5)
    for wrong in ("cheap", "1", "1/2/3", "nan/1", "inf/1", "-1/1", ""):
        with pytest.raises(ConfigError, match="as 3/15"):
            given_price(wrong)

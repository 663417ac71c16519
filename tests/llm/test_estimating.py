"""What a run would cost, said beforehand: no call is made, and what is billed lies between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llm.client import Model
from llm.errors import BudgetSpent
from llm.estimates import Estimator, NotAsked
from storage.errors import ModelError
from storage.store import Store
from tests.furniture.messages_api import Service, messages_api
from tests.furniture.models import FILES, OVERVIEW, TOOL, model


async def ask(asked: Model, prompt: str, shared: Sequence[str]) -> None:
    await asked.ask(purpose="p", system="s", prompt=prompt, tool=TOOL, shared=shared)


def estimator(service: Service, store: Store, *, batch: bool = False) -> Estimator:
    real = model(service, store=store)
    return Estimator(
        service=real.service, price=real.price, budget=real.budget, calls=store.calls, batch=batch
    )


async def test_what_is_billed_lies_between_least_and_most() -> None:
    store = Store(":memory:")
    asks = [(f"function {n}", (OVERVIEW, FILES[n % 2])) for n in range(10)]
    async with messages_api({"value": 1}, repeat=True) as service:
        estimated, batch = estimator(service, store), estimator(service, store, batch=True)
        for prompt, shared in [*asks, asks[0]]:
            for each in (estimated, batch):
                with pytest.raises(NotAsked):
                    await ask(each.within(strategy="modify"), prompt, shared)
        assert service.asked == []
        estimate = estimated.estimate
        assert (estimate.least_calls, estimate.most_calls, estimate.stored) == (10, 10, 0)
        assert batch.estimate.most == pytest.approx(estimate.most / 2)
        real = model(service, store=store, budget=10)
        for prompt, shared in asks:
            await ask(real, prompt, shared)
        billed = sum(line.dollars for line in store.calls.sums())
        assert estimate.least <= billed <= estimate.most
        tokens = sum(
            line.input_tokens + line.cache_read_tokens + line.cache_write_tokens
            for line in store.calls.sums()
        )
        assert estimate.least_tokens <= tokens <= estimate.most_tokens
        again = estimator(service, store)
        for prompt, shared in asks:
            await ask(again, prompt, shared)
    left = again.estimate
    assert (left.least_calls, left.most_calls, left.stored, left.most) == (0, 0, 10, 0)


def test_who_goes_on_without_a_model_goes_on_in_an_estimate() -> None:
    assert issubclass(NotAsked, ModelError)
    assert not issubclass(NotAsked, BudgetSpent)

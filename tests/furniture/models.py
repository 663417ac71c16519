"""Models for tests: they ask a service of the tests, each with a budget and a store of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from llm.batch_model import BatchModel, BatchQueue
from llm.batches import Batcher
from llm.budget import Budget, DollarLimits
from llm.claude import Claude
from llm.client import Model, Tool
from llm.patience import Sleep
from llm.prefixes import Prefixes
from llm.prices import Price, Tokens, compute_cost
from storage.store import Store
from tests.furniture.batches_api import BatchService
from tests.furniture.messages_api import Service

FORM = {"type": "object", "properties": {"value": {"type": "integer"}}}
TOOL = Tool(name="answer", description="An answer.", schema=FORM)


async def at_once(seconds: float) -> None:
    """Wait for nothing."""


def model(
    service: Service,
    *,
    budget: float = 1.0,
    sleep: Sleep = at_once,
    name: str = "claude-sonnet-4-6",
    store: Store | None = None,
    limits: DollarLimits | None = None,
) -> Model:
    """A model that asks the service, with a budget for its run and a store of its own."""
    assert service.client is not None
    store = store or Store(":memory:")
    return Model(
        service=Claude(service.client, name),
        price=Price(input=3, output=15),
        budget=Budget(store.calls, limits or DollarLimits(run=budget), clock=service.clock),
        calls=store.calls,
        sleep=sleep,
        prefixes=Prefixes(service.clock),
    )


async def ask(asked: Model, prompt: str = "?") -> dict[str, object]:
    return await asked.ask(purpose="test", system="s", prompt=prompt, tool=TOOL)


OVERVIEW = "module shop: sells things\n" * 400
FILES = [f"# file {n}\n" + f"def f{n}(): pass\n" * 600 for n in range(3)]


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def dollars(price: Price, usage: dict[str, Any]) -> float:
    """The price of one answer."""
    return compute_cost(
        price,
        Tokens(
            input=usage["input_tokens"],
            output=usage["output_tokens"],
            cache_write=usage["cache_creation_input_tokens"],
            cache_read=usage["cache_read_input_tokens"],
        ),
    )


PRICE = Price(input=3, output=15)


async def soon(seconds: float) -> None:
    """Wait hardly at all."""
    await asyncio.sleep(0.002)


def batched(
    service: BatchService, store: Store, *, wait: bool = True, limits: DollarLimits | None = None
) -> BatchModel:
    """A model that is asked in batches, as after each start of the program."""
    assert service.client is not None
    budget = Budget(store.calls, limits or DollarLimits(run=10.0), clock=service.clock)
    batcher = Batcher(
        client=Claude(service.client, "claude-sonnet-4-6").client,
        price=PRICE,
        budget=budget,
        store=store.batches,
        sleep=soon,
    )
    return BatchModel(
        service=Claude(service.client, "claude-sonnet-4-6"),
        price=PRICE,
        budget=budget,
        calls=store.calls,
        queue=BatchQueue(batcher, store.calls, wait=wait, sleep=soon),
    )

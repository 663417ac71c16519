"""The language model a person configured, where there is one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from llm.budget import Budget, DollarLimits
from llm.client import DEFAULT_MODEL, Model
from llm.estimates import Estimator
from llm.prices import FREE, given_price, price_of
from llm.service import Service
from storage.errors import ConfigError
from storage.store import Store

if TYPE_CHECKING:
    from llm.claude import Claude
    from llm.compatible import Compatible

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
NAME = "BUGFOUNDRY_MODEL"
PRICE = "BUGFOUNDRY_MODEL_PRICE"
URL = "BUGFOUNDRY_MODEL_URL"
"""Base of an OpenAI-compatible endpoint, as http://localhost:8000/v1; the Messages API if unset."""
KEY = "BUGFOUNDRY_MODEL_KEY"
RUN_BUDGET = "BUGFOUNDRY_MODEL_RUN_BUDGET"
MONTH_BUDGET = "BUGFOUNDRY_MODEL_MONTH_BUDGET"
RUN_NAME = "BUGFOUNDRY_MODEL_RUN"
"""Counts the calls of several processes as those of one run."""
RUN = os.environ.get(RUN_NAME) or uuid4().hex[:16]
"""What the calls of this process are counted under, where nothing else is said."""

Mode = Literal["ask", "batch", "submit", "estimate"]
"""Ask at once; gather, send in batches and wait for them, or not wait; count and do not ask."""


def configured_model(
    store: Store,
    environ: Mapping[str, str] | None = None,
    *,
    dollars: float,
    month_dollars: float | None = None,
    in_batches: bool = False,
    repository: str = "",
    strategy: str = "",
    mode: Mode = "ask",
    run: str = RUN,
) -> Model | None:
    """Return the model, with this repository's budget; None without a service or a budget.

    The Messages API takes key and address from the SDK's own variables (ANTHROPIC_API_KEY,
    ANTHROPIC_BASE_URL). ``dollars`` may be spent on the repository (``owner/name``),
    ``month_dollars`` in a month on all. For an estimate neither a key nor a
    budget is needed. Raises ConfigError when the price is not known or a setting is not valid.
    """
    environ = os.environ if environ is None else environ
    estimate = mode == "estimate"
    has_service = environ.get(URL) or any(environ.get(key) for key in KEYS)
    if not estimate and not (has_service and dollars):
        return None
    if environ.get(URL):
        price = given_price(environ[PRICE]) if environ.get(PRICE) else FREE
        service: Service = compatible(environ)
    else:
        price = price_of(environ.get(NAME) or DEFAULT_MODEL, environ.get(PRICE))
        service = claude(environ, estimate=estimate)
    limits = DollarLimits(
        run=budget_of(environ, RUN_BUDGET),
        repository=dollars,
        month=least(month_dollars, budget_of(environ, MONTH_BUDGET)),
    )
    if not repository:
        # Nobody's calls are not one repository's: they are limited by themselves.
        limits, run = replace(limits, run=dollars, repository=None), uuid4().hex[:16]
    model = Model(
        service=service,
        price=price,
        budget=Budget(store.calls, limits, run=run),
        calls=store.calls,
        repository=repository,
        strategy=strategy,
    )
    if mode == "ask":
        return model
    return special(model, store, mode, batch=in_batches or mode in ("batch", "submit"))


def special(model: Model, store: Store, mode: Mode, *, batch: bool) -> Model:
    """Return a model that is asked in another way. Raises ConfigError where it cannot be.

    ``batch`` is whether an estimate is one of batches.
    """
    common = {
        "service": model.service,
        "price": model.price,
        "budget": model.budget,
        "calls": model.calls,
        "repository": model.repository,
        "strategy": model.strategy,
    }
    # Here and below: what takes a second to import is imported where a model is asked.
    from llm.claude import Claude

    if batch and not isinstance(model.service, Claude):
        raise ConfigError(f"{URL} has no batches; leave out --batch")
    if mode == "estimate":
        return Estimator(**common, batch=batch)  # type: ignore[arg-type]
    from llm.batch_model import BatchModel, BatchQueue
    from llm.batches import Batcher

    assert isinstance(model.service, Claude)
    batcher = Batcher(
        client=model.service.client,
        price=model.price,
        budget=model.budget,
        store=store.batches,
        sleep=asyncio.sleep,
    )
    queue = BatchQueue(batcher, store.calls, wait=mode == "batch")
    return BatchModel(**common, queue=queue)  # type: ignore[arg-type]


def claude(environ: Mapping[str, str], *, estimate: bool = False) -> Claude:
    """Return a model of the Messages API; one that is only counted needs no key."""
    import anthropic

    from llm.claude import Claude

    client = anthropic.AsyncAnthropic(api_key="none") if estimate else anthropic.AsyncAnthropic()
    return Claude(client, environ.get(NAME) or DEFAULT_MODEL)


def compatible(environ: Mapping[str, str]) -> Compatible:
    """Return a model of an OpenAI-compatible endpoint. Raises ConfigError when it has no name."""
    name = environ.get(NAME, "")
    if not name:
        raise ConfigError(f"{URL} is set; name the model that it serves with {NAME}")
    from llm.compatible import Compatible

    return Compatible(environ[URL], name, key=environ.get(KEY, ""))


def least(*limits: float | None) -> float | None:
    """Return the smallest of the limits that are set."""
    return min((limit for limit in limits if limit is not None), default=None)


def budget_of(environ: Mapping[str, str], name: str) -> float | None:
    """Return a budget that is set; None for no limit. Raises ConfigError."""
    value = environ.get(name)
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"{name} is {value!r}; write dollars, as 20")
    return number

"""The language model a person configured, where there is one."""

from __future__ import annotations

import os
from collections.abc import Mapping

import anthropic

from bot.settings import Settings
from llm.budget import Budget, Limits
from llm.claude import Claude
from llm.client import DEFAULT_MODEL, Model
from llm.prices import price_of
from storage.store import Store

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
NAME = "BUGFOUNDRY_MODEL"
PRICE = "BUGFOUNDRY_MODEL_PRICE"


def configured_model(
    settings: Settings, store: Store, environ: Mapping[str, str] | None = None
) -> Model | None:
    """Return the model, with this repository's budget; None without a key or without a budget.

    Key and address are the SDK's own variables (ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL). Raises
    ConfigError when the model's price is not known.
    """
    environ = os.environ if environ is None else environ
    if not settings.model_budget or not any(environ.get(key) for key in KEYS):
        return None
    name = environ.get(NAME) or DEFAULT_MODEL
    return Model(
        service=Claude(anthropic.AsyncAnthropic(), name),
        price=price_of(name, environ.get(PRICE)),
        budget=Budget(store.calls, Limits(run=settings.model_budget)),
        calls=store.calls,
    )

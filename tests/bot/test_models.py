"""Which model the settings lead to, and what is said of settings that lead to none."""

from __future__ import annotations

from pathlib import Path

import pytest

from forge.compose import make_model
from forge.run.settings import ModelSettings, Settings
from llm.batch_model import BatchModel
from llm.client import DEFAULT_MODEL
from llm.compatible import Compatible
from llm.errors import BudgetSpent
from llm.estimates import Estimator
from storage.errors import ConfigError
from storage.records import Hold
from storage.store import Store

SETTINGS = Settings(source=".", cache=Path("cache"))
KEYED = {"ANTHROPIC_API_KEY": "key"}
OPEN = {"BUGFOUNDRY_MODEL_URL": "http://localhost:11434/v1", "BUGFOUNDRY_MODEL": "qwen3"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")


def test_no_service_or_no_budget_is_no_model() -> None:
    store = Store(":memory:")
    free = Settings(source=".", cache=Path("cache"), model=ModelSettings(budget=0))
    assert make_model(SETTINGS, store, environ={}) is None
    assert make_model(free, store, environ=KEYED) is None


def test_of_two_limits_on_a_month_the_smaller_holds() -> None:
    settings = Settings(
        source=".",
        cache=Path("cache"),
        model=ModelSettings(month_budget=5.0),
    )
    for set_by_hand, dollars in ((None, 5.0), ("3", 3.0), ("20", 5.0)):
        month = {} if set_by_hand is None else {"BUGFOUNDRY_MODEL_MONTH_BUDGET": set_by_hand}
        model = make_model(
            settings, Store(":memory:"), environ={**KEYED, **month}, repository="a/b"
        )
        assert model is not None
        limits = {limit.scope: limit.dollars for limit in model.budget.limits("a/b")}
        assert limits["month"] == dollars


def test_the_messages_api_is_the_default() -> None:
    model = make_model(
        SETTINGS, Store(":memory:"), environ=KEYED, repository="a/b", strategy="modify"
    )
    assert model is not None
    assert (model.name, model.repository, model.strategy) == (DEFAULT_MODEL, "a/b", "modify")


def test_a_model_of_ones_own_costs_nothing_unless_a_price_is_given() -> None:
    store = Store(":memory:")
    model = make_model(SETTINGS, store, environ=OPEN)
    assert model is not None
    assert isinstance(model.service, Compatible)
    assert (model.name, model.price.input) == ("qwen3", 0)
    priced = make_model(
        SETTINGS, Store(":memory:"), environ={**OPEN, "BUGFOUNDRY_MODEL_PRICE": "1/2"}
    )
    assert priced is not None
    assert priced.price.output == 2


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({**KEYED, "BUGFOUNDRY_MODEL": "claude-next"}, "price of claude-next"),
        ({"BUGFOUNDRY_MODEL_URL": "http://localhost/v1"}, "BUGFOUNDRY_MODEL"),
        ({**KEYED, "BUGFOUNDRY_MODEL_MONTH_BUDGET": "much"}, "MONTH_BUDGET"),
        ({**KEYED, "BUGFOUNDRY_MODEL_RUN_BUDGET": "nan"}, "RUN_BUDGET"),
    ],
)
def test_a_setting_that_cannot_be_is_named(environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_model(SETTINGS, Store(":memory:"), environ=environ)


def test_batches_and_estimates() -> None:
    store = Store(":memory:")
    assert isinstance(make_model(SETTINGS, store, environ=KEYED, mode="batch"), BatchModel)
    assert isinstance(make_model(SETTINGS, store, environ={}, mode="estimate"), Estimator)
    with pytest.raises(ConfigError, match="no batches"):
        make_model(SETTINGS, store, environ=OPEN, mode="submit")


def test_the_budget_of_a_repository_holds_over_all_its_runs() -> None:
    store = Store(":memory:")
    spent = Hold(id="h", key="k", dollars=0.45, created="2024-01-01", repository="a/b", run="r1")
    store.calls.hold(spent, ())
    for repository, allowed in (("a/b", False), ("c/d", True)):
        model = make_model(SETTINGS, store, environ=KEYED, repository=repository, run="r2")
        assert model is not None
        if allowed:
            model.budget.hold(0.1, key="x", repository=repository)
        else:
            with pytest.raises(BudgetSpent, match="repository's"):
                model.budget.hold(0.1, key="x", repository=repository)

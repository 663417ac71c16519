"""All strategies and statements by a model in one run: estimated, in batches, and paid once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from storage.store import Store
from tasks.statements import is_template
from tests.furniture.answers import answer
from tests.furniture.batches_api import BatchService, batches_api
from tests.furniture.workplace import Workplace, workplace_with_fix

pytestmark = [pytest.mark.network, pytest.mark.slow]

ALL = "mirror,procedural,modify,rewrite,combine"
WORDS = ("forge", "shop", "--sandbox", "local", "--strategies", ALL, "--max-bugs", "16", "--json")
MODEL = ("--statements", "model", "--model-budget", "20")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workplace_with_fix(tmp_path_factory.mktemp("work"))


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model that answers by rules, in batches that have ended when they are first looked at."""
    async with batches_api(answer, repeat=True, looks=0) as service:
        assert service.client is not None
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", str(service.client.base_url))
        yield service


async def run(workplace: Workplace, store: str, *words: str) -> dict[str, Any]:
    told = await asyncio.to_thread(workplace.run, *WORDS, *MODEL, "--store", store, *words)
    return dict(json.loads(told))


async def test_in_batches_whatever_is_asked_comes_out_of_a_batch_and_is_paid_once(
    workplace: Workplace, service: BatchService
) -> None:
    estimated = await run(workplace, "batch.db", "--batch", "--estimate")
    assert service.asked == []

    first = await run(workplace, "batch.db", "--batch")
    asked = len(service.asked)
    assert asked == sum(len(batch.requests) for batch in service.batches.values())
    assert {usage["service_tier"] for usage in service.usages} == {"batch"}
    assert len(service.batches) < asked / 2

    again = await run(workplace, "batch.db", "--batch")
    assert again["tasks"] == first["tasks"]
    assert len(service.asked) == asked

    with Store(workplace.folder / "batch.db") as store:
        tasks = store.tasks()
        strategies = Counter(bug.origin.strategy for t in tasks if (bug := store.bug(t.bug)))
        lines = store.calls.sums()
    assert set(strategies) == set(ALL.split(","))
    assert {line.purpose for line in lines} >= {"modify", "rewrite", "statement"}
    assert sum(line.calls for line in lines) == asked
    written = [task for task in tasks if not is_template(task.statement)]
    assert len(written) > len(tasks) / 2

    parts, paid = estimated["parts"], sum(line.dollars for line in lines)
    assert {part["name"] for part in parts} == {"mirror", "modify", "rewrite", "statements"}
    assert sum(part["least"] for part in parts) <= paid <= sum(part["most"] for part in parts)
    assert sum(p["least_calls"] for p in parts) <= asked <= sum(p["most_calls"] for p in parts)

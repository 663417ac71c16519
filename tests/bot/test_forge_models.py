"""Bugs that a model makes, from a small project to tasks that hold, and what a second run pays."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from storage.store import Store
from tests.furniture.messages_api import Service, messages_api
from tests.furniture.workplace import Workplace
from tests.mutators.shelf import bodies, kinds, told

pytestmark = [pytest.mark.network, pytest.mark.slow]

SLIPS = {
    "clamp": ("if value > high:", "if value > high + 1:"),
    "discount": ("elif total >= 50:", "elif total > 50:"),
    "parse": ("name, _, price = line.partition", "name, _, price = line.rpartition"),
}
BODIES = {
    "clamp": "return max(low, min(value, high))\n",
    "discount": "rate = 10 if total > 100 else 5 if total >= 50 else 0\n"
    "return total * (100 - rate - 2 * members) / 100\n",
    "parse": "pairs = (line.split('=') for line in text.splitlines() if line)\n"
    "return {name.strip(): int(price) for name, price in pairs}\n",
}
WORDS = ("forge", "shop", "--sandbox", "local", "--store", "local.db", "--json", "--max-bugs", "9")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """A slip or a body for whatever function is asked about."""
    name = re.findall(r"__init__\.py: (\w+)\n", told(request))[-1]
    if request["tools"][0]["name"] == "bodies":
        return bodies(BODIES[name])
    find, replace = SLIPS[name]
    edits = [{"find": find, "replace": replace}]
    return {"mistakes": [{"kind": kinds(request)[0], "symptom": "wrong", "edits": edits}]}


async def forged(
    workplace: Workplace, service: Service, monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    assert service.client is not None
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", str(service.client.base_url))
    return await asyncio.to_thread(workplace.run, *WORDS, *words)


async def test_slips_and_bodies_become_tasks_and_are_paid_once(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace = Workplace(tmp_path_factory.mktemp("work"))
    strategies = ("--strategies", "procedural,modify,rewrite", "--model-budget", "2")
    async with messages_api(answer, repeat=True) as service:
        await forged(workplace, service, monkeypatch, *strategies)
        asked = len(service.asked)
        await forged(workplace, service, monkeypatch, *strategies)
        assert len(service.asked) == asked == 6
    with Store(workplace.folder / "local.db") as store:
        bugs = [store.bug(task.bug) for task in store.tasks()]
        made = [bug.origin for bug in bugs if bug is not None]
        counted = {line.strategy: line.calls for line in store.calls.sums()}
    assert {origin.entity for origin in made if origin.strategy == "modify"} == set(SLIPS)
    assert {origin.entity for origin in made if origin.strategy == "rewrite"} == {
        "discount",
        "parse",
    }
    assert any(origin.strategy == "procedural" for origin in made)
    assert counted == {"modify": 3, "rewrite": 3}


def test_without_a_model_a_run_of_them_alone_says_what_is_missing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    workplace = Workplace(tmp_path_factory.mktemp("work"))
    workplace.run(*WORDS, "--strategies", "modify,rewrite", code=1)

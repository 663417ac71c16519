"""What a person is told of the dollars: by what they were for, and per valid task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from storage.records import Hold, ModelCall, Origin
from storage.store import Store
from tests.furniture.workplace import run_command
from tests.storage.samples import ENVIRONMENT, REPOSITORY, make_bug, make_task


def call(key: str, dollars: float, *, strategy: str = "modify") -> ModelCall:
    return ModelCall(
        key=key,
        model="claude-sonnet-5-5",
        purpose=strategy or "plan",
        answer="{}",
        input_tokens=100,
        output_tokens=20,
        cache_write_tokens=7,
        cache_read_tokens=300,
        dollars=dollars,
        seconds=2.0,
        created="2024-01-02T03:04:05.000+00:00",
        repository="pallets/click",
        strategy=strategy,
    )


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store with calls of two strategies, of which one made two tasks; and one cut off."""
    with Store(tmp_path / "bugfoundry.db") as store:
        store.add_repository(REPOSITORY)
        store.add_environment(ENVIRONMENT)
        for number in range(3):
            made = make_bug(number)
            strategy = "modify" if number < 2 else "procedural"
            made = replace(made, origin=Origin(strategy=strategy))  # type: ignore[arg-type]
            store.add_bug(made)
            store.add_task(replace(make_task(made), id=f"task-{number}"))
        for key, dollars in (("a", 0.25), ("b", 0.5)):
            store.calls.settle("", call(key, dollars))
        store.calls.settle("", call("c", 0.125, strategy=""))
        hold = Hold(id="h", key="d", dollars=0.0625, created="2024-01-02", repository="x/y")
        assert store.calls.hold(hold, ()) is None
    return tmp_path


def test_dollars_calls_tokens_and_what_a_task_came_to(filled: Path) -> None:
    done = run_command("costs", "--json", cwd=filled)
    told = json.loads(done.stdout)
    assert (told["calls"], told["dollars"], told["month"]) == (3, 0.875, 0.0)
    assert (told["held"], told["held_calls"]) == (0.0625, 1)
    assert [(s["strategy"], s["tasks"], s["dollars_per_task"]) for s in told["strategies"]] == [
        ("modify", 2, 0.375),
        ("procedural", 1, None),
        ("shared", 0, None),
    ]
    modify = next(line for line in told["lines"] if line["purpose"] == "modify")
    assert modify["repository"] == "pallets/click"
    assert (modify["calls"], modify["cache_read_tokens"], modify["output_tokens"]) == (2, 600, 40)


def test_it_reads_as_a_table_and_says_what_is_held(filled: Path) -> None:
    told = run_command("costs", cwd=filled).stdout
    assert "0.3750" in told
    assert "$0.8750 for 3 calls" in told
    assert "--release" in told
    told = run_command("costs", "--release", cwd=filled).stdout
    assert "--release" not in told


def test_a_store_without_calls_says_so(tmp_path: Path) -> None:
    assert "no model was asked" in run_command("costs", cwd=tmp_path).stdout

"""What many calls share is cached: where it pays, and with one call that pays for it."""

from __future__ import annotations

import asyncio
from typing import Any

from llm.breakpoints import breakpoints
from storage.errors import ModelError
from storage.store import Store
from tests.furniture.messages_api import Scripted, Service, messages_api
from tests.furniture.models import FILES, OVERVIEW, TOOL, Clock, model


async def rewrite(service: Service, count: int, file: int = 0, **options: Any) -> None:
    """Ask for so many things about one file, all at once."""
    asked = model(service, budget=100, **options)
    await asyncio.gather(
        *(
            asked.ask(
                purpose="rewrite",
                system="s",
                prompt=f"function {n}",
                tool=TOOL,
                shared=(OVERVIEW, FILES[file]),
            )
            for n in range(count)
        )
    )


def kinds(service: Service, kind: str) -> list[int]:
    return [usage[f"cache_{kind}_input_tokens"] for usage in service.usages]


async def test_the_overview_is_read_for_another_file_and_the_file_for_another_call() -> None:
    async with messages_api({"value": 1}, repeat=True) as service:
        asked = model(service, budget=100)
        for file, prompt in ((0, "a"), (0, "b"), (1, "c")):
            shared = [OVERVIEW, FILES[file]]
            await asked.ask(purpose="p", system="s", prompt=prompt, tool=TOOL, shared=shared)
    first, same, other = kinds(service, "read")
    assert first == 0
    assert same == kinds(service, "creation")[0]
    assert 0 < other < same
    marks = ["cache_control" in b for b in service.asked[0]["messages"][0]["content"]]
    assert marks == [True, True, False]


async def test_of_calls_at_once_one_writes_and_the_others_read() -> None:
    slow = Scripted(content={"value": 1}, wait=0.05)
    async with messages_api(slow, repeat=True) as service:
        await rewrite(service, 8)
    assert sum(tokens > 0 for tokens in kinds(service, "creation")) == 1
    assert sum(tokens > 0 for tokens in kinds(service, "read")) == 7


async def test_the_others_go_when_the_first_answer_begins_not_when_it_ends() -> None:
    async with messages_api({"value": 1}, repeat=True) as service:
        await rewrite(service, 3)
    assert [bool(body.get("stream")) for body in service.asked] == [True, False, False]


async def test_when_the_first_fails_the_next_takes_its_place() -> None:
    async with messages_api(400, {"value": 1}, {"value": 1}) as service:
        try:
            await rewrite(service, 3)
        except ModelError as error:
            assert "refused: 400" in str(error)
        await asyncio.sleep(0.2)
    assert len(service.asked) == 3
    assert sum(tokens > 0 for tokens in kinds(service, "creation")) == 1


async def test_a_prefix_is_written_again_when_its_time_is_over() -> None:
    clock = Clock()
    async with messages_api({"value": 1}, repeat=True, clock=clock) as service:
        asked = model(service, budget=100)
        for prompt, pause in (("a", 200.0), ("b", 200.0), ("c", 301.0), ("d", 0.0)):
            await asked.ask(purpose="p", system="s", prompt=prompt, tool=TOOL, shared=OVERVIEW)
            clock.now += pause
    assert [tokens > 0 for tokens in kinds(service, "creation")] == [True, False, False, True]


async def test_what_is_too_short_is_neither_marked_nor_waited_for() -> None:
    async with messages_api({"value": 1}, {"value": 2}) as service:
        asked = model(service)
        for n in range(2):
            await asked.ask(purpose="t", system="s", prompt=str(n), tool=TOOL, shared="short")
    first, second = (request["messages"][0]["content"] for request in service.asked)
    assert first[0] == second[0] == {"type": "text", "text": "short"}
    assert [first[1]["text"], second[1]["text"]] == ["0", "1"]


async def test_a_hundred_calls_on_some_files_read_most_of_their_input() -> None:
    """As many as a run makes; only the first call of a file may pay for it."""
    slow = Scripted(content={"value": 1}, wait=0.002)
    async with messages_api(slow, repeat=True) as service:
        store = Store(":memory:")
        await asyncio.gather(*(rewrite(service, 34, file, store=store) for file in range(3)))
    read, written = sum(kinds(service, "read")), sum(kinds(service, "creation"))
    plain = sum(usage["input_tokens"] for usage in service.usages)
    assert len(service.usages) == 102
    assert read / (read + written + plain) > 0.9


def test_at_most_four_places_are_marked_the_first_and_the_last() -> None:
    long = "x" * 4000
    assert breakpoints(0, [long] * 6, 1024) == (0, 1, 2, 5)
    assert breakpoints(0, [long] * 2, 1024) == (0, 1)
    assert breakpoints(0, ["x" * 100, "y" * 2000], 1024) == (1,)
    assert breakpoints(1990, ["x" * 100], 1024) == (0,)
    assert breakpoints(0, [], 1024) == ()

"""Strategies as one source: how the limit is shared, and what is said when there is no model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from forge.run.context import Context, Source
from forge.run.sources import (
    MODELLED,
    STRATEGIES,
    limit_source,
    make_model_source,
    share_sources,
    sources,
)
from mutators.model.rewrite import REWRITE
from storage.errors import ConfigError
from storage.records import Bug, FileChange, Origin, Repository
from tests.furniture.messages_api import messages_api
from tests.furniture.models import model
from tests.mutators.shelf import FILES, PATH, bodies, mistakes

REPOSITORY = Repository(owner="o", name="shop", commit="c", tree="t", source="s")
CONTEXT = Context(
    repository=REPOSITORY,
    environment=cast("Any", None),
    files=FILES,
    modes={},
    seed=1,
    max_bugs=12,
    operators=None,
    compiles=None,
)
GOOD = ("if low > high:", "if low >= high:")
NEW = "if value < low:\n    return low\nreturn high if value > high else value\n"


def bug(name: str) -> Bug:
    change = FileChange(path=name, mode="100644", sha256=name)
    return Bug(tree="t", patch="", changes=(change,), origin=Origin(strategy="procedural"))


def giving(name: str, count: int) -> Source:
    """A source that has so many bugs."""

    async def source(context: Context) -> AsyncIterator[Bug]:
        limit = count if context.max_bugs is None else min(count, context.max_bugs)
        for number in range(limit):
            yield bug(f"{name}{number}")

    return source


async def taken(source: Source, limit: int | None = 12) -> list[str]:
    return [found.changes[0].path async for found in source(replace(CONTEXT, max_bugs=limit))]


def counted(names: list[str]) -> dict[str, int]:
    assert len(names) == len(set(names))
    letters = [name[0] for name in names]
    return {letter: letters.count(letter) for letter in sorted(set(letters))}


async def test_each_gives_as_much() -> None:
    found = await taken(share_sources([giving("a", 50), giving("b", 50), giving("c", 50)]))
    assert counted(found) == {"a": 4, "b": 4, "c": 4}


async def test_what_one_leaves_over_goes_to_those_that_have_more() -> None:
    found = await taken(share_sources([giving("a", 50), giving("b", 1), giving("c", 2)]))
    assert counted(found) == {"a": 9, "b": 1, "c": 2}
    found = await taken(share_sources([giving("a", 3), giving("b", 2)]))
    assert counted(found) == {"a": 3, "b": 2}


async def test_what_two_find_is_proposed_once() -> None:
    found = await taken(share_sources([giving("a", 8), giving("a", 8)]))
    assert counted(found) == {"a": 8}


async def test_without_a_limit_all_is_proposed() -> None:
    found = await taken(share_sources([giving("a", 5), giving("b", 7)]), None)
    assert counted(found) == {"a": 5, "b": 7}


async def test_the_mirror_goes_first_and_the_others_share_the_rest() -> None:
    notes: list[str] = []
    source = sources(("mirror", "procedural"), mirror=giving("m", 9), model=None, note=notes.append)
    found = await taken(source)
    assert [name for name in found if name != PATH][:9] == [f"m{n}" for n in range(9)]
    assert len(found) == 12
    assert notes == []


async def test_a_strategy_may_be_limited_by_itself() -> None:
    found = await taken(share_sources([limit_source(giving("a", 50), 1), giving("b", 50)]))
    assert counted(found) == {"a": 1, "b": 11}

    source = sources(
        ("mirror", "procedural"),
        mirror=giving("m", 9),
        model=None,
        note=print,
        at_most={"mirror": 2, "procedural": 3},
    )
    names = await taken(source)
    assert [name for name in names if name not in FILES] == ["m0", "m1"]
    assert len(names) == 5


def test_without_a_model_what_needs_one_is_skipped_and_named() -> None:
    notes: list[str] = []
    sources(STRATEGIES, mirror=None, model=None, note=notes.append)
    (note,) = notes
    assert "modify, rewrite" in note and "ANTHROPIC_API_KEY" in note
    with pytest.raises(ConfigError, match="rewrite: no language model is configured"):
        sources(("rewrite",), mirror=None, model=None, note=notes.append)


async def test_strategies_that_ask_a_model_take_their_turns() -> None:
    notes: list[str] = []
    async with messages_api(mistakes(GOOD), bodies(NEW)) as service:
        source = sources(tuple(MODELLED), mirror=None, model=model(service), note=notes.append)
        bugs = [found async for found in source(replace(CONTEXT, max_bugs=2))]
        again = [found async for found in source(replace(CONTEXT, max_bugs=2))]
    assert [found.origin.strategy for found in bugs] == ["modify", "rewrite"]
    assert {found.origin.path for found in bugs} == {PATH}
    assert again == bugs
    assert len(service.asked) == 2
    assert notes == []


async def test_why_a_strategy_ended_early_is_noted() -> None:
    notes: list[str] = []
    async with messages_api() as service:
        source = make_model_source(
            "rewrite", model(service, budget=0.001), notes.append, candidates=1
        )
        assert [found async for found in source(CONTEXT)] == []
        assert len(REWRITE.plan_questions(FILES, seed=1, max_bugs=1)) == 1
    (note,) = notes
    assert "rewrite ended after 0 bugs" in note and "budget" in note

"""What a run would cost, said beforehand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import time

import pytest

from forge.compose import make_model
from forge.run.settings import ModelSettings, ProposalSettings, Settings
from forge.study.estimates import PartEstimate, RunEstimate, describe_estimate, estimate
from llm.client import DEFAULT_MODEL
from llm.prices import price_of
from storage.errors import ConfigError
from storage.store import Store
from tests.bot.mirrored import HARMLESS, REWRITTEN, RIGHT, Bench, Shop, edits, silent
from tests.furniture.messages_api import messages_api
from tests.furniture.models import model
from tests.furniture.project import write_project

PRICE = price_of(DEFAULT_MODEL)


def settings(folder: Path, **changed: object) -> Settings:
    return Settings(
        source=str(write_project(folder / "shop")),
        cache=folder / "cache",
        proposals=ProposalSettings(
            strategies=("mirror", "procedural", "modify", "rewrite"), max_bugs=9
        ),
        model=ModelSettings(**changed),  # type: ignore[arg-type]
    )


async def count(settings: Settings, store: Store) -> RunEstimate:
    return await estimate(settings, make_model=make_model, store=store, reporter=silent())


async def estimated(settings: Settings, store: Store) -> dict[str, PartEstimate]:
    found = await count(settings, store)
    return {part.name: part for part in found.parts}


async def test_calls_are_counted_by_strategy_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    with Store(tmp_path / "s.db") as store:
        found = await count(settings(tmp_path), store)

        assert [each.name for each in found.parts] == ["modify", "rewrite"]
        assert all(each.least_calls == each.most_calls > 0 for each in found.parts)
        assert all(each.bugs == 3 for each in found.parts)
        assert 0 < found.least < found.most
        assert store.calls.sums() == []


async def test_fewer_candidates_take_no_fewer_calls_and_rewrite_asks_for_one(
    tmp_path: Path,
) -> None:
    with Store(tmp_path / "s.db") as store:
        three = settings(tmp_path, candidates=3)
        many = await estimated(three, store)
        some = await estimated(replace(three, model=ModelSettings(candidates=1)), store)

    assert some["modify"].most_calls > many["modify"].most_calls == 1
    assert some["rewrite"] == many["rewrite"]
    assert some["rewrite"].most_calls == 3


async def test_batches_halve_what_is_said(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        wanted = settings(tmp_path)
        plain = await count(wanted, store)
        batch = await count(replace(wanted, model=ModelSettings(batch=True)), store)

    assert batch.most == pytest.approx(plain.most / 2, abs=0.001)
    assert "in batches" in describe_estimate(batch)[0]


async def test_a_run_without_a_model_has_nothing_to_estimate(tmp_path: Path) -> None:
    plain = replace(
        settings(tmp_path), proposals=ProposalSettings(strategies=("procedural", "combine"))
    )
    with Store(tmp_path / "s.db") as store, pytest.raises(ConfigError, match="modify, rewrite"):
        await count(plain, store)


async def test_statements_are_counted_for_the_bugs_that_a_run_may_find(tmp_path: Path) -> None:
    wanted = replace(
        settings(tmp_path, statements="model"),
        proposals=ProposalSettings(strategies=("procedural",), max_bugs=9),
    )
    with Store(tmp_path / "s.db") as store:
        part = (await estimated(wanted, store))["statements"]
        assert (part.bugs, part.least_calls, part.most_calls) == (9, 2, 27)
        assert 0 < part.least < part.most

        told = describe_estimate(await count(wanted, store))
        assert any(line.startswith("  statements: 2 to 27 calls for up to 9 bugs") for line in told)
        assert any("one bug in five is valid" in line for line in told)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Three fixes: one that a merge undoes, one whose code has gone another way, one that is not
    in what is asked for."""
    shop = Shop(tmp_path / "shop")
    shop.fix_total()
    shop.fix_count()
    shop.age(REWRITTEN)
    with Store(tmp_path / "store.db") as store:
        yield await Bench(shop, tmp_path, store).crawl()


def mirrored(bench: Bench, folder: Path, **changed: object) -> Settings:
    return Settings(
        source=str(bench.shop.maker.folder),
        cache=folder / "cache",
        proposals=ProposalSettings(**{"strategies": ("mirror",), **changed}),  # type: ignore[arg-type]
    )


async def test_fixes_that_a_merge_does_not_undo_are_counted_and_the_bill_lies_between(
    bench: Bench, tmp_path: Path
) -> None:
    part = (await estimated(mirrored(bench, tmp_path), bench.store))["mirror"]
    assert (part.least_calls, part.most_calls) == (1, 6)

    async with messages_api(edits(HARMLESS), edits(RIGHT), clock=time) as service:
        asked = replace(model(service, store=bench.store, name=DEFAULT_MODEL), price=PRICE)
        assert len(await bench.judge(asked)) == 2
    paid = sum(line.dollars for line in bench.store.calls.sums())
    assert len(service.asked) == 2
    assert part.least <= paid <= part.most

    after = (await estimated(mirrored(bench, tmp_path), bench.store))["mirror"]
    assert after.least_calls == 0


async def test_a_fix_that_is_not_in_this_history_is_passed_over(
    bench: Bench, tmp_path: Path
) -> None:
    before = (await estimated(mirrored(bench, tmp_path), bench.store))["mirror"]
    bench.store.pulls.add([replace(bench.pulls()[0], commit="e" * 40, base="f" * 40)])
    assert (await estimated(mirrored(bench, tmp_path), bench.store))["mirror"] == before


async def test_no_more_fixes_are_counted_than_bugs_are_wanted(bench: Bench, tmp_path: Path) -> None:
    one = (await estimated(mirrored(bench, tmp_path, max_bugs=1), bench.store))["mirror"]
    limited = mirrored(bench, tmp_path, strategies=("mirror:1",))
    assert one == (await estimated(limited, bench.store))["mirror"]
    assert (one.bugs, one.least_calls, one.most_calls) == (1, 0, 3)

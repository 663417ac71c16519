"""What a run would cost, said beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.estimating import described, estimate
from bot.settings import Settings
from storage.errors import ConfigError
from storage.store import Store
from tests.furniture.project import write_project


def settings(folder: Path, **changed: object) -> Settings:
    return Settings(
        source=str(write_project(folder / "shop")),
        cache=folder / "cache",
        strategies=("mirror", "procedural", "modify", "rewrite"),
        max_bugs=9,
        **changed,  # type: ignore[arg-type]
    )


async def test_calls_are_counted_by_strategy_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    with Store(tmp_path / "s.db") as store:
        found = await estimate(settings(tmp_path), store=store)

        assert [each.strategy for each in found.strategies] == ["modify", "rewrite"]
        assert all(each.calls > 0 and each.bugs == 3 for each in found.strategies)
        assert 0 < found.least < found.most
        assert store.calls.sums() == []
    assert "mirror" in described(found)[-1]


async def test_fewer_candidates_take_no_fewer_calls(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        three = settings(tmp_path, candidates=3)
        many = await estimate(three, store=store)
        some = await estimate(replace(three, candidates=1), store=store)

    assert some.strategies[0].calls >= many.strategies[0].calls


async def test_a_run_without_a_model_has_nothing_to_estimate(tmp_path: Path) -> None:
    plain = Settings(source=str(write_project(tmp_path / "shop")), cache=tmp_path / "cache")
    with Store(tmp_path / "s.db") as store, pytest.raises(ConfigError, match="modify, rewrite"):
        await estimate(plain, store=store)

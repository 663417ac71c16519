"""The kinds of mistakes: documented with their sources, and dealt evenly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mutators.model import mistakes
from mutators.model.mistakes import MISTAKES, Dealer

PAGE = Path(mistakes.__file__).parents[2] / "docs" / "mistakes.md"
DEFECTS = {"assignment", "checking", "algorithm", "interface", "timing", "function"}


def test_every_kind_is_documented_as_it_is() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{kind.name}` | {kind.description} | {kind.defect} | {', '.join(kind.patterns)} |"
        for kind in MISTAKES
    ]


def test_every_kind_has_a_source() -> None:
    assert {kind.defect for kind in MISTAKES} == DEFECTS
    assert all(kind.patterns for kind in MISTAKES)
    assert len({kind.name for kind in MISTAKES}) == len(MISTAKES)


def test_kinds_are_dealt_evenly_and_by_seed() -> None:
    everywhere = frozenset(word for kind in MISTAKES for word in kind.needs)

    def dealt(seed: int) -> list[str]:
        dealer = Dealer(seed=seed)
        return [kind.name for _ in range(50) for kind in dealer.deal(everywhere, 3)]

    counts = Counter(dealt(1))
    assert len(counts) == len(MISTAKES)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert dealt(1) == dealt(1) != dealt(2)


def test_code_is_asked_only_for_what_it_offers_a_place_for() -> None:
    names = {kind.name for kind in Dealer(seed=0).deal({"assignment"}, 99)}
    assert "stale-state" in names
    assert not {"wrong-loop", "wrong-exception", "missing-check"} & names

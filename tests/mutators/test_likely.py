"""Bugs that are drawn by how much they look like people's."""

from __future__ import annotations

import math

import pytest

from mutators.base.operator import Scattered
from mutators.likely import draw_by_weight, ratio_of, shipped_profile
from mutators.operators.registry import operators
from mutators.procedural import propose
from mutators.together import JOINED
from storage.errors import ConfigError
from storage.records import Bug
from syntax.features.profile import Profile, ProfiledRepository, Split, read_profile
from tests.mutators.own import OWN

FILES = {path: OWN[path] for path in ("syntax/cuts.py", "syntax/line_edits.py")}


def profile(**weights: tuple[float, float]) -> Profile:
    """A profile that tells 0 of a feature from more."""
    trees = tuple(
        Split(feature=name, edge=0.5, low=pair[0], high=pair[1]) for name, pair in weights.items()
    )
    return Profile(date="2026-01-01", origins=(), bias=0.0, trees=trees)


def proposed(chosen: Profile | None, limit: int, seed: int = 0) -> list[Bug]:
    return list(
        propose("tree", FILES, {}, seed=seed, max_bugs=limit, compiles=None, profile=chosen)
    )


def test_what_weighs_more_comes_sooner_and_nothing_is_lost() -> None:
    numbers = list(range(4000))
    found = list(draw_by_weight(numbers, lambda n: 50.0 if n % 10 == 0 else 1.0, seed=1))

    assert sorted(found) == numbers
    heavy = sum(n % 10 == 0 for n in found[:100])
    assert heavy > 70


def test_equal_weights_leave_a_sample_as_even_as_it_was() -> None:
    found = list(draw_by_weight(range(4000), lambda _: 1.0, seed=2))

    assert 25 <= sum(n % 10 < 3 for n in found[:120]) <= 50


def test_bugs_are_drawn_by_the_profile() -> None:
    wanted = profile(call_gone=(-4.0, 4.0))
    ratio = [ratio_of(bug, FILES, wanted) for bug in proposed(wanted, 20)]
    even = [ratio_of(bug, FILES, wanted) for bug in proposed(None, 20)]

    likely, unlikely = sum(r > 1 for r in ratio), sum(r > 1 for r in even)
    assert likely >= 18 > unlikely


def test_the_seed_decides_and_a_smaller_sample_is_the_beginning_of_a_larger_one() -> None:
    wanted = profile(call_gone=(-1.0, 1.0))
    ids = [bug.id for bug in proposed(wanted, 10)]

    assert ids == [bug.id for bug in proposed(wanted, 10)]
    assert ids[:4] == [bug.id for bug in proposed(wanted, 4)]
    assert set(ids) != {bug.id for bug in proposed(wanted, 10, seed=1)}


def test_the_shipped_profile_prefers_what_is_forgotten_or_joined() -> None:
    chosen = shipped_profile()
    wide = {JOINED, *(o.name for o in operators() if isinstance(o, Scattered))}
    count = [
        sum(bug.origin.operator in wide for bug in proposed(each, 20)) for each in (chosen, None)
    ]

    assert count[0] > 2 * count[1]
    assert chosen.date and len(chosen.origins) > 5
    measured = ("pallets/click", "pallets/werkzeug", "agronholm/typeguard", "mahmoud/boltons")
    assert not any(chosen.knows(name) for name in measured)


def test_a_ratio_is_the_sum_of_its_trees_and_bounded() -> None:
    one = profile(a=(-0.5, 0.25), b=(0.0, 100.0))

    assert one.ratio({"a": 0.0, "b": 0.0}) == pytest.approx(math.exp(-0.5))
    assert one.log_ratio({"a": 1.0, "b": 1.0}) == 6.0
    assert one.log_ratio({"unknown": 1.0}) == -0.5


def test_a_profile_is_read_as_it_was_written() -> None:
    origin = ProfiledRepository(repository="a/b", human=60, made=70)
    inner = Split(feature="lines", edge=2.0, low=0.5, high=-1.0)
    tree = Split(feature="hunks", edge=1.0, low=0.0, high=inner)
    one = Profile(date="2026-01-01", origins=(origin,), bias=0.5, trees=(tree, inner))

    assert read_profile(one.encode_json(), "p.json") == one
    assert one.knows("A/B")


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"\xff",
        b'{"date":"","origins":[],"bias":0,"trees":[1]}',
        b'{"date":"","origins":[],"bias":0,"trees":[{"feature":"a","edge":1,"low":1}]}',
    ],
)
def test_what_is_no_profile_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(ConfigError, match=r"p\.json is no profile"):
        read_profile(text, "p.json")

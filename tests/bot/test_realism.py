"""How far made bugs are from people's: scores with a floor, failing tests, the command."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge.study.realism.failing_tests import nearness, ochiai
from forge.study.realism.fit import fit_profile
from forge.study.realism.samples import HUMAN, Sample, human_samples
from forge.study.realism.two_sample import halves, interval, mean_area, score_samples
from storage.errors import ConfigError
from syntax.features.profile import read_profile
from tests.bot.conftest import Run
from tests.mirror.maker import Maker

TESTS = st.frozensets(st.sampled_from("abcdef"))


def samples(strategy: str, mean: float, *, repositories: int = 3, each: int = 40) -> list[Sample]:
    chance = Random(f"{strategy}{mean}")
    return [
        Sample(
            repository=f"o/r{number % repositories}",
            strategy=strategy,
            operator="" if strategy == HUMAN else f"op{number % 2}",
            date=f"2026-01-{number % 28 + 1:02}",
            numbers={"hunks": round(chance.gauss(mean, 1.0), 2), "noise": chance.random()},
        )
        for number in range(repositories * each)
    ]


def test_bugs_of_one_kind_cannot_be_told_apart_and_others_can() -> None:
    human = samples(HUMAN, 0.0)
    alike = score_samples(human, samples("procedural", 0.0))
    other = score_samples(human, samples("procedural", 4.0))

    assert alike is not None and other is not None
    near, far = alike.score(), other.score()
    assert near is not None and far is not None
    assert near.low < 0.5 < near.high or abs(near.auc - 0.5) < 0.08
    assert far.auc > 0.95
    assert far.low <= far.auc <= far.high
    assert (far.human, far.other, far.folds) == (120, 120, "by repository")


def test_no_classifier_scores_a_repository_that_it_was_fitted_on() -> None:
    """A feature that is another in each repository gives nothing away across repositories."""
    human = samples(HUMAN, 0.0)
    made = samples("procedural", 0.0)
    places = {"o/r0": 10.0, "o/r1": -10.0, "o/r2": 30.0}
    signs = {"o/r0": 1.0, "o/r1": -1.0, "o/r2": 1.0}

    def shifted(sample: Sample, kind: float) -> Sample:
        where = places[sample.repository] + kind * signs[sample.repository]
        numbers = {"hunks": where, "noise": 0.0}
        return Sample(repository=sample.repository, strategy=sample.strategy, numbers=numbers)

    judged = score_samples([shifted(s, 1.0) for s in human], [shifted(s, -1.0) for s in made])
    assert judged is not None
    found = judged.score()
    assert found is not None and found.auc < 0.9

    alone = [
        [shifted(s, kind) for s in side if s.repository == "o/r0"]
        for side, kind in ((human, 1.0), (made, -1.0))
    ]
    within = score_samples(*alone)
    assert within is not None
    inside = within.score()
    assert inside is not None
    assert (inside.auc, inside.folds) == (1.0, "within the repository")


def test_one_operator_and_one_repository_have_scores_of_their_own() -> None:
    human = samples(HUMAN, 0.0)
    made = [*samples("procedural", 4.0)]
    near = [s for s in samples("procedural", 0.0) if s.operator == "op0"]
    judged = score_samples(human, [*near, *(s for s in made if s.operator == "op1")])

    assert judged is not None
    like, unlike = judged.score(operator="op0"), judged.score(operator="op1")
    assert like is not None and unlike is not None
    assert like.auc < unlike.auc
    one = judged.score(repository="o/r1")
    assert one is not None and one.human == 40


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]), min_size=1, max_size=30)


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=3))
def test_mean_area_is_that_of_scikit_learn(parts: list[tuple[list[float], list[float]]]) -> None:
    import numpy as np
    from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

    sides = [np.array(side) for part in parts for side in part]
    areas = [roc_auc_score([1] * len(one) + [0] * len(two), [*one, *two]) for one, two in parts]

    assert mean_area(*sides) == pytest.approx(np.mean(areas))


def test_interval_takes_a_repository_with_one_bug_of_a_kind() -> None:
    import numpy as np

    chance = np.random.default_rng(1)
    many = (chance.normal(1, 1, 50), chance.normal(0, 1, 50))
    low, high = interval([many, (np.array([0.7]), np.array([0.7, 0.7, 0.7]))], seed=0)

    assert 0.5 < low < high < 1.0
    assert interval([(np.array([0.7]), np.array([0.7]))], seed=0) == (0.5, 0.5)


def test_too_few_bugs_have_no_score() -> None:
    assert score_samples(samples(HUMAN, 0.0)[:29], samples("procedural", 4.0)) is None
    judged = score_samples(samples(HUMAN, 0.0), samples("procedural", 4.0))
    assert judged is not None and judged.score(operator="unknown") is None


def test_the_floor_takes_halves_of_every_repository_by_time() -> None:
    older, newer = halves(samples(HUMAN, 0.0))

    for name in ("o/r0", "o/r1", "o/r2"):
        before = max(s.date for s in older if s.repository == name)
        assert all(s.date >= before for s in newer if s.repository == name)
    assert len(older) == len(newer) == 60


def test_a_fitted_profile_weighs_what_people_do_more() -> None:
    profile = fit_profile(samples(HUMAN, 2.0), samples("procedural", 0.0), date="2026-01-01")

    assert profile.ratio({"hunks": 3.0, "noise": 0.5}) > 3
    assert profile.ratio({"hunks": -1.0, "noise": 0.5}) < 0.5
    assert [o.repository for o in profile.origins] == ["o/r0", "o/r1", "o/r2"]
    assert read_profile(profile.encode_json(), "x") == profile


def test_a_profile_is_not_fitted_on_a_handful() -> None:
    with pytest.raises(
        ConfigError, match="needs 50 human bugs and 50 candidates; there are 40 and 120"
    ):
        fit_profile(samples(HUMAN, 0.0)[:40], samples("procedural", 0.0), date="2026-01-01")


@given(TESTS, TESTS)
def test_similarity_is_symmetric_and_whole_for_the_same_alone(
    one: frozenset[str], other: frozenset[str]
) -> None:
    found = ochiai(one, other)

    assert found == ochiai(other, one)
    assert 0.0 <= found <= 1.0
    assert (found == 1.0) == (one == other and bool(one))
    assert (found == 0.0) == (not one & other)


def test_human_bugs_are_coupled_to_made_ones_of_their_own_repository() -> None:
    first = ([frozenset("ab"), frozenset("x")], [frozenset("ab"), frozenset("bc"), frozenset("d")])
    second = ([frozenset("d")], [frozenset("e")])
    found = nearness([first, second, ([frozenset("a")], [])])

    assert found is not None
    assert (found.made, found.human) == (3, 4)
    assert (found.coupled, found.same) == (0.5, 0.25)
    assert found.similarity == round((1.0 + 0.0 + 0.0) / 3, 4)
    assert nearness([([], [frozenset("a")])]) is None


@pytest.fixture
def shop(tmp_path: Path) -> Maker:
    """A repository with a fix of an issue for each of many functions."""
    made = Maker(tmp_path / "shop")
    names = [f"part{number}" for number in range(31)]
    body = (
        "def {0}(items, rate=2):\n    found = 0\n    for item in items:\n        {1}\n"
        "    return found * rate\n"
    )
    code = {n: body.format(n, "found += item.price") for n in names}
    made.commit("Begin", {"shop/sums.py": "\n\n".join(code.values())})
    for number, name in enumerate(names):
        fixed = "if item.price > 0:\n            found += item.price"
        code[name] = body.format(name, fixed)
        made.commit(
            f"Fix {name} (#{number + 40})\n\nfixes #{number + 1}",
            {"shop/sums.py": "\n\n".join(code.values())},
        )
    return made


def test_fixes_are_undone_at_their_own_commits(shop: Maker) -> None:
    found = list(human_samples(shop.git_dir, shop.head, "o/shop"))

    assert len(found) == 31
    for sample in found:
        assert sample.strategy == HUMAN and sample.commit and sample.date
        assert sample.numbers["condition_gone"] == 1.0
        assert (sample.numbers["lines_gone"], sample.numbers["lines_came"]) == (2.0, 1.0)


def test_proposed_bugs_are_scored_beside_the_floor(run: Run, shop: Maker) -> None:
    code, out, err = run("realism", str(shop.folder), "--made", "40", "--json")

    assert code == 0, err
    found = json.loads(out)
    assert err == ""
    assert (found["human"], found["executed"]) == (31, False)
    (whole,) = [row for row in found["rows"] if not row["operator"]]
    assert whole["bugs"] == 40
    assert 0.5 < whole["score"]["auc"] <= 1.0
    assert whole["score"]["folds"] == "within the repository"


def test_a_table_says_how_to_read_it_and_that_nothing_was_run(run: Run, shop: Maker) -> None:
    code, out, _ = run("realism", str(shop.folder), "--made", "40", "--like-human")

    assert code == 0
    assert "human (floor)" in out
    assert "procedural, like human" in out
    assert "nothing was run" in out
    assert "with too few bugs for a score" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "has no verified bugs in the store"),
        (("--like-human",), "say how many by --made N"),
        (("--made", "20", "--save-profile", "p.json", "--like-human"), "of its own"),
        (("--made", "20", "--save-profile", "p.json"), "a profile needs 50 human"),
        (("--made", "20", "--human-profile", "no.json"), "--human-profile no.json"),
    ],
)
def test_a_mistake_gets_one_line(run: Run, shop: Maker, words: tuple[str, ...], told: str) -> None:
    code, _, err = run("realism", str(shop.folder), *words)

    assert code == 1
    assert told in err
    assert "Traceback" not in err


def test_without_scikit_learn_one_line_says_what_to_install(
    run: Run, shop: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    code, _, err = run("realism", str(shop.folder), "--made", "20")

    assert code == 1
    assert err.strip() == (
        "bugfoundry: the realism score needs scikit-learn; install bugfoundry with its extra: "
        "pip install 'bugfoundry[realism]'"
    )

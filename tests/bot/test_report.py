"""The report: one page that needs nothing else, over a store with verified bugs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from forge.study.realism.measurement import MIRROR
from forge.study.report.difficulty import difficulty_of, distance, function_of
from forge.study.report.plots import count_ranges, labels_of, plots
from harness.judge.judge import HARNESS_VERSION
from mutators.combination.call_graph import CallGraph
from mutators.procedural import propose
from storage.histories import fetch_with_history
from storage.records import Bug, Verdict
from storage.source_names import parse
from storage.store import Store
from storage.trees import Trees
from syntax.features.features import Side, features_of
from syntax.paths import is_source_path
from tests.bot.conftest import Run
from tests.mirror.maker import Maker
from tests.storage.samples import ENVIRONMENT

CODE = '''\
def total(items):
    found = 0
    for item in items:
        found += price(item)
    return found


def price(item):
    if item.price > 0:
        return rounded(item.price)
    return 0


def rounded(value):
    return int(value + 0.5)


class Till:
    """Where it is paid."""

    def __init__(self, items):
        self.items = items

    def pay(self):
        return total(self.items)
'''
TESTS = """\
from shop.sums import Till, rounded, total


class TestTill:
    def test_pay(self):
        assert Till([]).pay() == 0


def test_rounded():
    assert rounded(1.5) == 2


def test_nothing():
    assert True
"""
FILES = {"shop/sums.py": CODE.encode(), "tests/test_sums.py": TESTS.encode()}
PAY, ROUNDED, NOTHING = (
    "tests/test_sums.py::TestTill::test_pay",
    "tests/test_sums.py::test_rounded[1]",
    "tests/test_sums.py::test_nothing",
)


@pytest.mark.parametrize(
    ("tests", "wound", "steps"),
    [
        ((PAY,), "Till.pay", 1),
        ((PAY,), "total", 2),
        ((PAY,), "rounded", 4),
        ((PAY, ROUNDED), "rounded", 1),
        ((ROUNDED,), "total", None),
        ((NOTHING,), "rounded", None),
        (("tests/gone.py::test_gone",), "rounded", None),
    ],
)
def test_calls_are_counted_from_the_nearest_failing_test(
    tests: tuple[str, ...], wound: str, steps: int | None
) -> None:
    calls = CallGraph.of(FILES)
    wounds = {f for f in calls.functions["shop/sums.py"] if f.name == wound}

    assert wounds
    assert distance(calls, tests, wounds) == steps


def test_a_test_is_found_by_its_id() -> None:
    found = function_of(CallGraph.of(FILES), PAY)

    assert found is not None
    assert found.name == "TestTill.test_pay"
    assert function_of(CallGraph.of(FILES), "tests/test_sums.py::test_none") is None


def bugs(tree: str, files: dict[str, bytes]) -> list[Bug]:
    source = {path: data for path, data in files.items() if is_source_path(path)}
    return list(propose(tree, source, {}, seed=0, max_bugs=30, compiles=None))


def verdict_on(bug: Bug, *failing: str) -> Verdict:
    return Verdict(
        bug=bug.id,
        environment=ENVIRONMENT.id,
        harness=HARNESS_VERSION,
        mode="full",
        reason="valid",
        fail_to_pass=failing,
        pass_to_pass=(NOTHING,),
        seconds=0.1,
        detail="",
    )


def test_difficulty_is_read_from_patch_verdict_and_calls() -> None:
    bug = next(b for b in bugs("tree", FILES) if b.origin.entity == "rounded")
    found = difficulty_of(bug, verdict_on(bug, PAY), FILES, CallGraph.of(FILES))

    assert found is not None
    assert (found.failing, found.share, found.distance) == (1, 0.5, 4)
    assert found.features.files == 1


def test_ranges_of_a_plot_hold_every_bug_once() -> None:
    one = features_of([Side(path="a.py", before=b"x = 1\n", after=b"x = 2\n")])
    many = features_of([Side(path="a.py", before=b"x = 1\ny = 2\n" * 40, after=b"")])
    assert one is not None and many is not None
    columns = count_ranges("tokens_gone", (1.0, 2.0, 50.0), [one.numbers()] * 3, [many.numbers()])

    assert [c.label for c in columns] == ["0", "1", "2-49", "50+"]
    assert [c.human for c in columns] == [0.0, 1.0, 0.0, 0.0]
    assert [c.made for c in columns] == [0.0, 0.0, 0.0, 1.0]
    assert labels_of((0.5,), 0, whole=False) == ["0-0.5", "0.5-1"]
    assert plots([], [one.numbers()]) == []
    assert len(plots([one.numbers()], [many.numbers()])) == 12


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository whose store holds verified bugs, three of them mirrored."""
    made = Maker(tmp_path / "shop")
    code = {path: data.decode() for path, data in FILES.items()}
    made.commit("Begin", {"shop/sums.py": code["shop/sums.py"].replace("0.5", "0.4")})
    for number in range(12):
        fixed = CODE.replace("return 0\n", f"return {number}\n" if number < 11 else "return 0\n")
        message = f"Fix it (#{number + 40})\n\nfixes #{number + 1}"
        made.commit(message, {"shop/sums.py": fixed, "tests/test_sums.py": TESTS})
    cache = tmp_path / "cache"
    cloned = fetch_with_history(parse(str(made.folder)), cache=cache, trees=Trees(cache))
    tree = cloned.repository.tree
    files = Trees(cache).read_all(tree)
    with Store(tmp_path / "bugfoundry.db") as store:
        store.add_repository(cloned.repository)
        environment = replace(ENVIRONMENT, tree=tree)
        store.add_environment(environment)
        for number, bug in enumerate(bugs(tree, files)):
            if number < 3:
                origin = replace(bug.origin, strategy=MIRROR, operator="")  # type: ignore[arg-type]
                bug = replace(bug, origin=origin)
            store.add_bug(bug)
            tests = (PAY,) if number % 2 else (ROUNDED,)
            store.add_verdict(replace(verdict_on(bug, *tests), environment=environment.id))
    return made.folder


def needs_nothing(text: str) -> bool:
    """Say whether a page names nothing that a browser would fetch, and runs nothing."""
    return not re.search(r"(?:src|href)=|@import|url\(|<script|<link|<iframe", text)


def test_a_page_over_verified_bugs_needs_nothing_else(run: Run, shop: Path, tmp_path: Path) -> None:
    code, out, err = run("report", str(shop), "-o", "report.html")
    text = (tmp_path / "report.html").read_text()

    assert code == 0, err
    assert "wrote report.html" in out
    assert needs_nothing(text)
    for part in ("Realism", "Feature by feature", "Difficulty", "Yield", "Cost", "procedural"):
        assert part in text
    assert text.count('<svg class="chart pair') == 12
    assert "Procedural bugs told from human ones" in text
    assert "Mirror bugs told" not in text
    assert "Coupled" in text and "100%" in text


def test_without_a_repository_nothing_is_compared(run: Run, shop: Path, tmp_path: Path) -> None:
    code, _, err = run("report", "-o", "report.html")
    text = (tmp_path / "report.html").read_text()

    assert code == 0, err
    assert "Difficulty" in text and "<td>mirror</td>" in text
    assert "Realism" not in text


def test_a_page_over_an_empty_store_says_so(run: Run, tmp_path: Path) -> None:
    code, _, err = run("report", "-o", "report.html")
    text = (tmp_path / "report.html").read_text()

    assert code == 0, err
    assert "No verified bugs yet." in text
    assert "No bug was proposed yet." in text
    assert needs_nothing(text)


def test_failing_tests_are_compared_with_those_of_mirrored_bugs(run: Run, shop: Path) -> None:
    code, out, err = run("realism", str(shop))

    assert code == 0, err
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "1.00" in lines["procedural"] and "100%" in lines["procedural"]
    assert "mirror" in lines and "%" not in lines["mirror"]
    assert "nothing was run" not in out
    assert "too few" in lines["human"]
    assert "only 12 human bugs; the score says little" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "no/such/folder/report.html"), "no file can be written there"),
        (("-o", "."), "no file can be written there"),
        (("-o", "r.html", "no/such/folder"), "no/such/folder"),
        (("-o", "r.html", "--like-human"), "say how many by --made N"),
    ],
)
def test_a_mistake_gets_one_line(run: Run, words: tuple[str, ...], told: str) -> None:
    code, _, err = run("report", *words)

    assert code == 1
    assert told in err
    assert len(err.strip().splitlines()) == 1

"""A fix of people, from the history of a small real project to a task that holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.furniture.project import MEMBERS
from tests.furniture.workplace import Workplace, workplace_with_fix

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workplace_with_fix(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def forged(workplace: Workplace) -> dict[str, object]:
    return workplace.forge("local", "--strategies", "mirror,procedural", "--max-bugs", "6")


@pytest.fixture(scope="module")
def mirrored(workplace: Workplace, forged: dict[str, Any]) -> dict[str, Any]:
    """All that is told of the mirrored task."""
    tasks = [
        json.loads(workplace.run("show", "--store", "local.db", "--json", task))
        for task in forged["tasks"]
    ]
    (found,) = [task for task in tasks if task["bug"]["origin"]["strategy"] == "mirror"]
    return dict(found)


def test_the_fix_comes_first_and_mutations_fill_up(forged: dict[str, Any]) -> None:
    assert sum(count for _, count in forged["reasons"]) == 6
    assert "mirror: apply" in {row["operator"] for row in forged["rows"]}


def test_the_tests_of_the_fix_fail_and_the_words_are_those_of_the_issue(
    mirrored: dict[str, Any],
) -> None:
    failing = mirrored["verdict"]["fail_to_pass"]

    assert mirrored["verdict"]["reason"] == "valid"
    assert len(failing) == 3
    assert {test.partition("[")[0] for test in failing} == {
        "tests/test_shop.py::test_discount_for_members"
    }
    assert mirrored["bug"]["origin"]["pull"] == 3
    assert mirrored["task"]["statement"].startswith("# Members pay as much as everybody\n")
    assert "#3" not in mirrored["task"]["statement"]


def test_a_solver_does_not_see_the_tests_that_came_with_the_fix(
    workplace: Workplace, mirrored: dict[str, Any]
) -> None:
    folder = workplace.folder / "solver"
    workplace.run("checkout", "--store", "local.db", mirrored["task"]["id"], str(folder))

    assert "for_members" not in (folder / "tests" / "test_shop.py").read_text()
    assert MEMBERS not in (folder / "src" / "shop" / "__init__.py").read_text()


def test_the_task_holds_from_scratch_and_takes_a_solution_of_its_own(
    workplace: Workplace, mirrored: dict[str, Any]
) -> None:
    task = mirrored["task"]["id"]
    assert "holds" in workplace.run("check", "--store", "local.db", task)

    folder = workplace.folder / "another"
    workplace.run("checkout", "--store", "local.db", task, str(folder))
    patch = "--- a/src/shop/__init__.py\n+++ b/src/shop/__init__.py\n@@ -21,1 +21,2 @@\n"
    patch += "         rate = 5\n+    rate += 2 * bool(members)\n"
    grade = ("grade", "--store", "local.db", task, "--patch", "-")
    assert " solved (3 of 3" in workplace.run(*grade, text=patch)
    assert "unsolved" in workplace.run(*grade, text="", code=1)


def test_the_fix_is_shown_beside_the_bug(workplace: Workplace, mirrored: dict[str, Any]) -> None:
    told = workplace.run("show", "--store", "local.db", mirrored["task"]["id"])

    lines = [line.rstrip() for line in told.splitlines()]
    assert "-        rate = rate + 2" in lines
    assert "+        rate = rate + 2" in lines
    assert "the fix it undoes, 100% of it, by apply: local/shop" in told
    assert "hidden tests, which come back for grading" in told
    assert "number: #3" in told


def test_what_became_of_the_fix_is_listed(workplace: Workplace, mirrored: dict[str, Any]) -> None:
    told = workplace.run("pulls", "shop", "--store", "local.db", "--reason", "undone")

    assert f"undone by apply, 100% of the fix: bug {mirrored['task']['bug']}" in told


def test_a_second_run_judges_nothing_anew(workplace: Workplace, forged: dict[str, Any]) -> None:
    again = workplace.forge("local", "--strategies", "mirror,procedural", "--max-bugs", "6")

    assert again["reused"] == 6
    assert again["tasks"] == forged["tasks"]

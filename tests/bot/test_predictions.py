"""Predictions graded: how they are known, and the report on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.commands.rollout import export_trajectories
from forge.grade import evaluation
from forge.grade.evaluation_reports import exit_code, instance, report
from forge.grade.prediction_documents import PredictionRow
from forge.grade.prediction_files import sort_out
from forge.grade.predictions import (
    Graded,
    Prediction,
    key_of,
    make_graded,
    make_ungraded,
)
from forge.grade.probes import error_of
from forge.run.ledger import Ledger
from harness.judge.judge import Grade
from storage.errors import ConfigError


def test_the_report_counts_and_names(tmp_path: Path) -> None:
    solved = Grade(
        resolved=True, fail_to_pass_green=("f",), fail_to_pass_red=(), pass_to_pass_red=()
    )
    spoilt = Grade(
        resolved=False, fail_to_pass_green=("f",), fail_to_pass_red=(), pass_to_pass_red=("p",)
    )
    results = [
        make_graded(Prediction(instance_id="b", patch="x", model="m"), "1", solved, ["p", "q"]),
        make_graded(Prediction(instance_id="a", patch="", model="m"), "2", spoilt, ["p", "q"]),
    ]

    told = report(results, {})
    bad, good = told["instances"]

    assert (told["resolved"], told["unresolved"], told["total"]) == (1, 1, 2)
    assert (told["ids_resolved"], told["ids_unresolved"]) == (["b"], ["a"])
    assert told["ids_empty_patch"] == ["a"]
    assert told["models"]["m"]["resolved"] == 1
    assert good["tests_status"]["PASS_TO_PASS"] == {"success": ["p", "q"], "failure": []}
    assert bad["tests_status"]["PASS_TO_PASS"] == {"success": ["q"], "failure": ["p"]}
    assert bad["tests_status"]["FAIL_TO_FAIL"] == {"success": [], "failure": []}
    assert not bad["patch_exists"] and good["patch_exists"]
    assert list(instance(results[0])["tests_status"])[:2] == ["FAIL_TO_PASS", "PASS_TO_PASS"]


SOLVED = Grade(resolved=True, fail_to_pass_green=("f",), fail_to_pass_red=(), pass_to_pass_red=())
WRONG = Grade(resolved=False, fail_to_pass_green=(), fail_to_pass_red=("f",), pass_to_pass_red=())


def graded(name: str, model: str, grade: Grade = SOLVED, patch: str = "diff") -> Graded:
    return make_graded(Prediction(instance_id=name, patch=patch, model=model), "", grade, ())


def ungraded(name: str, model: str, error: str, patch: str = "diff") -> Graded:
    return make_ungraded(Prediction(instance_id=name, patch=patch, model=model), error, "")


def test_of_several_models_each_has_its_own_ids() -> None:
    told = report([graded("a", "good"), graded("a", "bad", WRONG)], {})

    assert [name for name in told if name.startswith("ids_")] == []
    assert (told["resolved"], told["unresolved"], told["total"]) == (1, 1, 2)
    assert (
        told["models"]["good"]["ids_resolved"] == told["models"]["bad"]["ids_unresolved"] == ["a"]
    )
    assert told["models"]["good"]["ids_unresolved"] == told["models"]["bad"]["ids_resolved"] == []


def test_rows_that_name_no_model_make_no_second_model() -> None:
    told = report([graded("a", "good"), ungraded("", "", "unreadable-row")], {})

    assert list(told["models"]) == ["good"]
    assert told["ids_resolved"] == ["a"]
    assert (told["models"]["good"]["errors"], told["errors"]) == (0, 1)


def test_what_is_not_graded_is_counted_apart_with_its_reason() -> None:
    rows = [
        graded("a", "m"),
        graded("b", "m", WRONG, patch=""),
        ungraded("c", "m", "unknown-task"),
        ungraded("d", "m", "does-not-apply"),
        ungraded("a", "m", "duplicate-row"),
    ]

    told = report(rows, {"cost": 4})

    assert (told["resolved"], told["unresolved"], told["errors"], told["total"]) == (1, 1, 2, 4)
    assert (told["empty_patches"], told["duplicate_rows"]) == (1, 1)
    assert told["reasons"] == {"does-not-apply": 1, "unknown-task": 1}
    assert told["ids_error"] == ["c", "d"] and told["ids_empty_patch"] == ["b"]
    assert told["ignored_fields"] == {"cost": 4}
    assert len(told["instances"]) == 5


def test_not_solved_is_no_failure_and_not_graded_is() -> None:
    assert exit_code([graded("a", "m"), graded("b", "m", WRONG)]) == 0
    assert exit_code([graded("a", "m"), ungraded("a", "m", "repeated-row")]) == 0
    for error in ("duplicate-row", "unknown-task", "does-not-apply", "sandbox-broken"):
        assert exit_code([graded("a", "m"), ungraded("a", "m", error)]) == 1


def test_a_report_can_be_written_whatever_a_row_holds() -> None:
    row = {"instance_id": "a\ud83d", "model_patch": "", "model_name_or_path": "m\udc80"}
    read = sort_out([PredictionRow(place="line 1", value=row)])

    told = report(read.failed, read.ignored_fields)

    text = json.dumps(told, ensure_ascii=False)
    assert json.loads(text.encode("utf-8"))["instances"][0]["instance_id"] == "a\\ud83d"


def test_a_grade_is_known_by_all_it_depends_on() -> None:
    one = Prediction(instance_id="a", patch="x", model="m")
    other = Prediction(instance_id="a", patch="y", model="m")

    assert key_of(one, "bug", ["t"], "full") == key_of(one, "bug", ["t"], "full")
    keys = {
        key_of(each, bug, tests, mode)
        for each in (one, other)
        for bug in ("bug", "bug2")
        for tests in (["t"], ["t", "u"])
        for mode in ("full", "selected")
    }
    assert len(keys) == 16


def test_a_ledger_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    place = tmp_path / "lines"
    Ledger(place).add("one", {"n": 1})
    with place.open("a") as file:
        file.write('{"key": "two", "n"')

    again = Ledger(place)
    again.add("three", {"n": 3})

    assert "one" in again and "two" not in again
    assert [each["n"] for each in Ledger(place).values()] == [1, 3]


def test_a_ledger_does_not_write_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("a text of mine\n")
    with pytest.raises(ConfigError, match="holds something else"):
        Ledger(tmp_path / "lines")
    assert (tmp_path / "lines").read_text() == "a text of mine\n"


def test_what_was_not_run_is_neither_success_nor_failure() -> None:
    decided = Grade(
        resolved=False,
        fail_to_pass_green=(),
        fail_to_pass_red=("f",),
        pass_to_pass_red=(),
        pass_to_pass_unrun=("p",),
    )
    found = make_graded(Prediction(instance_id="t", patch="diff"), "k", decided, ("p", "q"))

    assert instance(found)["tests_status"]["PASS_TO_PASS"] == {"success": ["q"], "failure": []}


def test_a_probe_that_could_not_be_graded_says_why() -> None:
    failed = Graded(
        instance_id="t",
        model="empty",
        key="k",
        patch_exists=False,
        resolved=False,
        error="environment-failed",
        detail="install-failed: No\nno such distribution\n",
    )

    assert error_of(failed) == "environment-failed: no such distribution"
    assert error_of(replace(failed, error="does-not-apply")) == ""


def test_a_trajectory_with_half_a_character_is_exported(tmp_path: Path) -> None:
    said = [{"role": "assistant", "content": "cut \ud83d"}]
    row = {"messages": said, "instance_id": "a", "resolved": True, "model": "m"}
    Ledger(tmp_path / "kept").add("one", {**row, "traj_id": "a.1", "patch": ""})

    assert export_trajectories(tmp_path / "kept", tmp_path / "out", resolved=False) == 1

    told = json.loads((tmp_path / "out").read_text(encoding="utf-8"))
    assert told["messages"] == [{"role": "assistant", "content": "cut \\ud83d"}]


CASE = SimpleNamespace(
    prediction=Prediction(instance_id="a", patch="diff", place="line 1"),
    found=SimpleNamespace(task=SimpleNamespace(id="a")),
    key="k",
)


async def test_a_fault_of_ours_ends_one_prediction_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> Graded:
        raise RecursionError("too deep")

    monkeypatch.setattr(evaluation, "grade_case", fail)

    nothing = cast("Any", None)
    found = await evaluation.grade_whatever_comes(
        cast("Any", CASE), nothing, nothing, nothing, full=False
    )

    assert (found.error, found.detail) == ("grading-failed", "RecursionError: too deep")
    assert "line 1, a: cannot be graded" in caplog.text


def test_a_task_that_cannot_serve_says_why() -> None:
    asked = [Prediction(instance_id=name, patch="diff") for name in ("old", "none")]

    todo, done = evaluation.cases(asked, {}, "full", {"old": "judged by other rules"})

    assert todo == []
    assert [(each.error, each.detail) for each in done] == [
        ("unknown-task", "judged by other rules"),
        ("unknown-task", "no task has this id"),
    ]

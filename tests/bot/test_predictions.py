"""Predictions in the forms the field has them, and the report on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from forge.grade.predictions import (
    Graded,
    Prediction,
    instance,
    key_of,
    make_graded,
    read_predictions,
    report,
)
from forge.grade.probes import error_of
from forge.run.ledger import Ledger
from harness.judge.judge import Grade
from storage.errors import ConfigError, SourceError

ONE = {"instance_id": "a", "model_patch": "diff", "model_name_or_path": "m"}
LINES = json.dumps(ONE) + "\n\n" + json.dumps({**ONE, "instance_id": "b", "model_patch": None})


def written(folder: Path, text: str) -> Path:
    (folder / "preds").write_text(text)
    return folder / "preds"


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        json.dumps([ONE, {**ONE, "instance_id": "b", "model_patch": ""}]),
        json.dumps({"a": {**ONE}, "b": {"model_patch": "", "model_name_or_path": "m"}}),
    ],
    ids=["lines", "list", "by id"],
)
def test_every_form_of_predictions_is_read(text: str, tmp_path: Path) -> None:
    assert read_predictions(written(tmp_path, text)) == [
        Prediction(instance_id="a", patch="diff", model="m"),
        Prediction(instance_id="b", patch="", model="m"),
    ]


def test_bare_patches_by_id_are_read(tmp_path: Path) -> None:
    found = read_predictions(written(tmp_path, '{"a": "diff"}'))
    assert found == [Prediction(instance_id="a", patch="diff")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no prediction"),
        ("3", "neither"),
        (json.dumps(ONE) + "\n{not json", "line 2"),
        ('[{"model_patch": ""}]', "prediction 1: no instance_id"),
        ('[{"instance_id": "a", "model_patch": 3}]', "no text"),
        (json.dumps([ONE, ONE]), "twice"),
    ],
)
def test_what_is_no_prediction_is_told_in_a_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=told):
        read_predictions(written(tmp_path, text))


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

    told = report(results)
    bad, good = told["instances"]

    assert (told["resolved"], told["unresolved"], told["total"]) == (1, 1, 2)
    assert (told["ids_resolved"], told["ids_unresolved"]) == (["b"], ["a"])
    assert told["models"]["m"]["resolved"] == 1
    assert good["tests_status"]["PASS_TO_PASS"] == {"success": ["p", "q"], "failure": []}
    assert bad["tests_status"]["PASS_TO_PASS"] == {"success": ["q"], "failure": ["p"]}
    assert bad["tests_status"]["FAIL_TO_FAIL"] == {"success": [], "failure": []}
    assert not bad["patch_exists"] and good["patch_exists"]
    assert list(instance(results[0])["tests_status"])[:2] == ["FAIL_TO_PASS", "PASS_TO_PASS"]


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

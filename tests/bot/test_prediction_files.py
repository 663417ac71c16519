"""Predictions in the forms the field has them, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge.grade.prediction_documents import rows_in
from forge.grade.prediction_files import PredictionFile, decode_patch, read_predictions, sort_out
from forge.grade.predictions import Prediction
from storage.errors import NoPredictions

DIFF = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
ONE = {"instance_id": "a", "model_patch": DIFF, "model_name_or_path": "m"}
TWO = {**ONE, "instance_id": "b", "model_patch": None}
BOTH = (
    Prediction(instance_id="a", patch=DIFF, model="m"),
    Prediction(instance_id="b", patch="", model="m"),
)
LINES = f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}"


def read(folder: Path, content: str | bytes, name: str = "preds") -> PredictionFile:
    """Write a file of predictions and read it."""
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    return read_predictions(folder / name)


def failures(found: PredictionFile) -> list[tuple[str, str, str]]:
    """Return place, reason and what is said of each row that is not graded."""
    return [(each.place, each.error, each.detail) for each in found.failed]


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.replace("\n", "\r\n"),
        json.dumps([ONE, TWO]),
        json.dumps([ONE, {**TWO, "model_patch": ""}], indent=2),
        json.dumps({"a": ONE, "b": {"model_patch": "", "model_name_or_path": "m"}}),
        "\n".join(json.dumps(each, indent=2) for each in (ONE, TWO)),
        b"\xef\xbb\xbf" + LINES.encode(),
        b"\xef\xbb\xbf" + LINES.replace("\n", "\n\ufeff").encode(),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-be"),
        LINES.encode("utf-32"),
    ],
    ids=["lines", "crlf", "list", "indented", "by-id", "jq", "bom", "boms", "16", "16-be", "32"],
)
def test_every_form_of_predictions_is_read(content: str | bytes, tmp_path: Path) -> None:
    found = read(tmp_path, content)

    assert found.predictions == BOTH and found.failed == ()


def test_preds_json_of_mini_swe_agent_is_read(tmp_path: Path) -> None:
    written = {"a": {"model_name_or_path": "m", "instance_id": "a", "model_patch": DIFF}}

    assert read(tmp_path, json.dumps(written, indent=2)).predictions == BOTH[:1]


def test_bare_patches_by_id_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps({"a": DIFF, "b": None, "c": ""}))

    assert [(each.instance_id, each.patch) for each in found.predictions] == [
        ("a", DIFF),
        ("b", ""),
        ("c", ""),
    ]


@pytest.mark.parametrize(
    "separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e", "\r"]
)
def test_line_separators_inside_strings_end_no_row(separator: str, tmp_path: Path) -> None:
    patch = f"{DIFF}+c{separator}d\n"
    line = json.dumps({**ONE, "model_patch": patch}, ensure_ascii=False)
    raw = line.replace(json.dumps(separator)[1:-1], separator)

    found = read(tmp_path, f"{raw}\n{json.dumps(TWO)}\n")

    assert [each.patch for each in found.predictions] == [patch, ""]


@pytest.mark.parametrize(
    ("content", "place", "told", "left"),
    [
        (f"{json.dumps(ONE)}\n{{no json\n{json.dumps(TWO)}", "line 2", "no JSON", 2),
        (f"\n\n[no json\n{LINES}", "line 3", "no JSON", 2),
        (f"{json.dumps(ONE)}\n{json.dumps(TWO)[:40]}", "line 2", "no JSON", 1),
        (f"{'[' * 100_000}\n{json.dumps(ONE)}", "line 1", "nested too deeply", 1),
        (json.dumps([ONE, TWO], indent=2)[:-60], "line 7", "what follows is not read", 1),
        (json.dumps([ONE, TWO])[:-1], "line 1", "the end of the list is missing", 2),
        (json.dumps({"a": ONE, "b": TWO}, indent=2)[:-60], "line 7", "not read", 1),
        (json.dumps({"a": ONE, "b": TWO})[:-1], "line 1", "end of the object is missing", 2),
    ],
    ids=["line", "first", "cut", "deep", "cut-list", "open-list", "cut-object", "open-object"],
)
def test_what_is_no_json_is_a_row_and_the_others_are_read(
    content: str, place: str, told: str, left: int, tmp_path: Path
) -> None:
    found = read(tmp_path, content)

    ((at, reason, detail),) = failures(found)
    assert (at, reason) == (place, "unreadable-row") and told in detail
    assert found.predictions == BOTH[:left]


@pytest.mark.parametrize(
    "row",
    [
        {"instance_id": "x", "model": "m", "prediction": DIFF},
        {"task_id": "x", "model": "m", "patch": DIFF},
        {"id": "x", "diff": DIFF, "meta": {"cost": 1}},
        {"instance_id": "x", "patch": DIFF},
        {"model_patch": DIFF, "Instance_ID": "x"},
    ],
    ids=lambda row: "-".join(row),
)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with another"])
def test_a_row_of_another_schema_names_its_fields_and_those_that_are_read(
    row: dict[str, Any], alone: bool, tmp_path: Path
) -> None:
    found = read(tmp_path, json.dumps(row) if alone else f"{json.dumps(row)}\n{json.dumps(ONE)}")

    ((_, reason, detail),) = failures(found)
    assert reason == "unreadable-row"
    assert ", ".join(row) in detail
    assert "those that are read are instance_id, model_patch, model_name_or_path" in detail
    assert found.predictions == (() if alone else BOTH[:1])


def test_an_object_by_id_of_another_schema_is_no_empty_patch(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps({"a": {"model": "m", "prediction": DIFF}, "b": TWO}))

    assert found.predictions == BOTH[1:]
    assert "no model_patch" in found.failed[0].detail and found.failed[0].instance_id == "a"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, "it is a number"),
        (None, "it is null"),
        ("diff", "no object with instance_id"),
        ({**ONE, "instance_id": 7}, "its instance_id is a number"),
        ({**ONE, "instance_id": " "}, "its instance_id is blank"),
        ({**ONE, "model_patch": [DIFF]}, "its model_patch is a list"),
        ({**ONE, "model_patch": f"{DIFF}\ud83d"}, r"half of a character (\ud83d)"),
        ({**ONE, "model_patch": f"{DIFF}\ude00"}, r"half of a character (\ude00)"),
        ({**ONE, "instance_id": "a\ud83d"}, "its instance_id holds half"),
        ({**ONE, "model_name_or_path": "\udcff"}, "its model_name_or_path holds half"),
    ],
)
def test_a_row_that_cannot_serve_says_why_and_ends_nothing(
    value: Any, told: str, tmp_path: Path
) -> None:
    found = read(tmp_path, json.dumps([value, TWO]))

    ((place, reason, detail),) = failures(found)
    assert (place, reason) == ("row 1", "unreadable-row") and told in detail
    assert found.predictions == BOTH[1:]


def test_bytes_that_are_no_utf8_are_the_patch_s_own(tmp_path: Path) -> None:
    latin = json.dumps({**ONE, "model_patch": "+é"}, ensure_ascii=False).encode("latin-1")
    escaped = json.dumps({**TWO, "model_patch": "+\udce9"}).encode()

    found = read(tmp_path, latin + b"\n" + escaped)

    assert [each.patch for each in found.predictions] == ["+\udce9", "+\udce9"]


def test_rows_for_one_task_and_model_count_once(tmp_path: Path) -> None:
    other = {**ONE, "model_name_or_path": "n"}

    found = read(tmp_path, json.dumps([ONE, ONE, {**ONE, "model_patch": "x"}, other]))

    assert [each.model for each in found.predictions] == ["m", "n"]
    assert [(each.place, each.error) for each in found.failed] == [
        ("row 2", "repeated-row"),
        ("row 3", "duplicate-row"),
    ]
    assert "row 1 is for the same task and model, with another patch" in found.failed[1].detail


def test_an_id_that_an_object_has_twice_is_a_duplicate(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a": {"model_patch": "x"}, "a": {"model_patch": "y"}}')

    assert [each.patch for each in found.predictions] == ["x"]
    assert [each.error for each in found.failed] == ["duplicate-row"]


def test_an_id_within_an_object_is_the_one_it_is_under(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps({"a": ONE, "c": TWO}))

    assert found.predictions == BOTH[:1]
    assert failures(found) == [("key c", "unreadable-row", "its instance_id is another: 'b'")]


def test_fields_that_are_not_read_are_counted_by_name(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps([{**ONE, "cost": 1, "trace": []}, {**TWO, "cost": 2}]))

    assert found.ignored_fields == {"cost": 2, "trace": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds no prediction"),
        ("\ufeff\n", "holds no prediction"),
        ("[]", "holds no prediction"),
        ("{}", "holds no prediction"),
        (b"\x1f\x8b\x08", "is packed"),
        (b"PAR1", "is packed"),
    ],
)
def test_a_file_without_rows_is_told_in_a_line(
    content: str | bytes, told: str, tmp_path: Path
) -> None:
    with pytest.raises(NoPredictions, match=told):
        read(tmp_path, content)


def test_a_folder_of_patches_has_ids_as_names_and_models_as_folders(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    for name in ("a.diff", "b.patch", "other/a.diff", "agent/a/a.patch", ".git/c.diff", "README"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(DIFF)

    found = read_predictions(folder)

    assert {(each.instance_id, each.model) for each in found.predictions} == {
        ("a", "good"),
        ("b", "good"),
        ("a", "other"),
        ("a", "agent"),
    }
    assert {each.patch for each in found.predictions} == {DIFF}
    assert found.passed_over == ("README",)


def test_two_patches_of_a_folder_for_one_task_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.diff").write_text(DIFF)
    (tmp_path / "a.patch").write_text("")

    assert [each.error for each in read_predictions(tmp_path).failed] == ["duplicate-row"]


def test_a_patch_that_cannot_be_opened_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.diff").write_text(DIFF)
    (tmp_path / "b.diff").symlink_to("nowhere")

    found = read_predictions(tmp_path)

    assert [each.instance_id for each in found.predictions] == ["a"]
    assert failures(found) == [
        ("b.diff", "unreadable-row", "it cannot be read: No such file or directory")
    ]


def test_a_folder_without_patches_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "preds.json").write_text("{}")

    with pytest.raises(
        NoPredictions, match=r"\.diff or \.patch; name a file of it, as .*preds\.json"
    ):
        read_predictions(tmp_path)


def test_a_patch_is_read_as_the_one_of_its_name(tmp_path: Path) -> None:
    assert read(tmp_path, DIFF, "a.diff").predictions == (Prediction(instance_id="a", patch=DIFF),)


@pytest.mark.parametrize("data", [DIFF.encode("utf-16"), b"\xef\xbb\xbf" + DIFF.encode()])
def test_a_patch_as_shells_write_it_is_text(data: bytes) -> None:
    assert decode_patch(data) == DIFF


TEXT = st.text(st.characters(), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.dictionaries(
    st.sampled_from(["instance_id", "model_patch", "model_name_or_path", "prediction"]) | TEXT,
    VALUES,
    max_size=5,
)


@given(
    rows=st.lists(ROWS | VALUES, min_size=1, max_size=4),
    indent=st.none() | st.just(1),
    ascii_only=st.booleans(),
    cut=st.integers(0, 30),
    lines=st.booleans(),
)
def test_a_good_row_is_read_whatever_stands_after_it(
    rows: list[Any], indent: int | None, ascii_only: bool, cut: int, lines: bool
) -> None:
    if lines:
        text = "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in [ONE, *rows])
    else:
        text = json.dumps([ONE, *rows], indent=indent, ensure_ascii=ascii_only)
    end = len(text) - min(cut, len(text) - len(json.dumps([ONE], indent=indent)))

    found = sort_out(rows_in(text[:end]))

    assert BOTH[0] in found.predictions


@given(st.text(st.characters(), max_size=200) | st.binary(max_size=200))
def test_anything_is_rows_or_failed_rows(tmp_path_factory: Any, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    folder = tmp_path_factory.mktemp("any")
    try:
        found = read(folder, data)
    except NoPredictions:
        return
    assert found.predictions or found.failed

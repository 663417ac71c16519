from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.errors import ConfigError
from tasks.contamination.against import read_rows, search
from tasks.outline import find_touched_places
from tests.tasks.subjects import SOURCE, subject

TEXT = "# Totals\n\nThe total of a basket is wrong when two items in it have the same price.\n"
HEADED = """\
diff --git a/shop.py b/shop.py
--- a/shop.py
+++ b/shop.py
@@ -7,3 +7,3 @@ def total(items, rate):
     for item in items:
-        result = result + item.sum()
+        return item.everything
     more
"""


def rows_file(folder: Path, *rows: dict[str, object]) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def test_the_fix_of_a_task_is_found_in_a_row_that_has_it_the_other_way_round(
    tmp_path: Path,
) -> None:
    mine = subject("a", b"result += item.price * item.count", b"result -= item.price / item.count")
    other = subject("b", b"result = 0", b"result = 7")
    fix = mine.bug.patch.replace("\n-", "\n#").replace("\n+", "\n-").replace("\n#", "\n+")
    fix = fix.replace("\n+-- a/", "\n--- a/").replace("\n-++ b/", "\n+++ b/")
    file = rows_file(tmp_path, {"instance_id": "x__y-1", "repo": "x/y", "patch": fix})

    found = [one for one in search([mine, other], read_rows(file)) if one.by == "patch"]

    assert [(one.task, one.row, one.repository) for one in found] == [("a", "x__y-1", "x/y")]
    assert found[0].likeness == 1


def test_a_statement_is_found_again_but_no_template(tmp_path: Path) -> None:
    told, plain = subject("a", text=TEXT.upper()), subject("b")
    file = rows_file(
        tmp_path,
        {"instance_id": "1", "problem_statement": TEXT},
        {"instance_id": "2", "problem_statement": plain.task.statement},
    )

    found = [(one.task, one.row, one.by) for one in search([told, plain], read_rows(file))]

    assert found == [("a", "1", "statement")]


def test_the_same_function_of_the_same_file_is_told(tmp_path: Path) -> None:
    file = rows_file(tmp_path, {"id": "it", "patch": HEADED})

    found = [(one.row, one.by) for one in search([subject("a")], read_rows(file))]

    assert find_touched_places(HEADED) == {("shop.py", "total")}
    assert found == [("it", "place")]


def test_rows_of_which_nothing_is_read_are_counted_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = rows_file(tmp_path, {"id": "good", "patch": HEADED}, {"id": "other", "diff": HEADED})
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    found = list(search([subject("a")], read_rows(file)))

    assert [one.row for one in found] == ["good"]
    assert caplog.messages == [
        "1 of 2 rows have no column that is read and are compared with nothing (other)"
    ]


def test_half_a_character_in_a_row_ends_no_comparison(tmp_path: Path) -> None:
    patch = HEADED.replace("more", "more \ud83d")
    file = rows_file(tmp_path, {"id": "it", "patch": patch, "statement": f"{TEXT}\ud83d"})

    assert [one.by for one in search([subject("a", text=TEXT)], read_rows(file))] == [
        "statement",
        "place",
    ]


def test_rows_with_a_malformed_patch_are_counted_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    patch = "--- a/shop.py\n+++ b/shop.py\n@@ -1,5 +1,5 @@\n-total\n+sum\n--- a/b.py\n"
    good, bad = {"id": "good", "patch": HEADED}, {"id": "bad", "patch": patch}
    list(search([subject("a")], read_rows(rows_file(tmp_path, good, bad))))

    [line] = caplog.messages
    assert line.startswith("1 of 2 rows are compared by their statement alone")
    assert "(bad)" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{no json\n", "line 1 is no JSON"),
        ('{"patch": "x"}\n\n[1]\n', "line 3 is no JSON object"),
        ('{"a": 1}\n', "no row has a patch"),
        ("", "no row has a patch"),
    ],
)
def test_a_file_that_cannot_be_compared_is_named_with_the_line(
    text: str, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(text)

    with pytest.raises(ConfigError, match=told) as raised:
        read_rows(file)
    assert str(file) in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_rows(tmp_path / "none.jsonl")


def test_the_source_of_these_tests_has_what_they_change() -> None:
    assert b"result += item.price * item.count" in SOURCE

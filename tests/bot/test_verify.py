"""From an export alone: tasks are proved, probed, and patches graded on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.export.full import content_of
from tests.furniture.workplace import Workplace

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A folder with an export; store and cache are gone."""
    made = Workplace(tmp_path_factory.mktemp("work"))
    made.forge("local", "--max-bugs", "8", "--seed", "5")
    words = ("--gates", "pass-to-pass", "--format", "jsonl", "-o", "tasks.jsonl")
    made.run("export", "--store", "local.db", *words)
    (made.folder / "local.db").unlink()
    (made.folder / "cache").rename(made.folder / "old-cache")
    return made


def rows(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def write(place: Path, found: list[dict[str, Any]]) -> None:
    place.write_text("".join(json.dumps(row) + "\n" for row in found))


def test_tasks_hold_from_nothing_and_the_run_goes_on_where_it_was(workplace: Workplace) -> None:
    write(workplace.folder / "two.jsonl", rows(workplace.folder / "tasks.jsonl")[:2])
    words = ("verify", "two.jsonl", "--rounds", "2", "-o", "held.jsonl")

    told = workplace.run(*words)
    results = workplace.folder / "two.jsonl.verified.lines"
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:-1]))
    again = workplace.run(*words)

    assert told.count("2 of 2 rounds, holds") == again.count("2 of 2 rounds, holds") == 2
    assert "2 of 2 tasks hold (100.0%)" in told
    assert sorted(results.read_text().splitlines()) != []
    assert len(results.read_text().splitlines()) == 4
    held = rows(workplace.folder / "held.jsonl")
    assert [row["verified_score"] for row in held] == [1.0, 1.0]
    assert workplace.run("verify", "held.jsonl", "--rounds", "1").count("holds") == 2


def test_a_task_that_does_not_hold_is_dropped_and_says_why(workplace: Workplace) -> None:
    good, bad = rows(workplace.folder / "tasks.jsonl")[:2]
    bad["FAIL_TO_PASS"] = [*bad["FAIL_TO_PASS"], bad["PASS_TO_PASS"].pop()]
    bad["content_sha256"] = content_of(bad)
    write(workplace.folder / "spoilt.jsonl", [good, bad])

    told = workplace.run("verify", "spoilt.jsonl", "--rounds", "1", "-o", "kept.jsonl", code=1)

    assert (
        f"{bad['instance_id']}: 0 of 1 round, DROPPED: round 1 (as judged): solved-at-start" in told
    )
    assert [row["instance_id"] for row in rows(workplace.folder / "kept.jsonl")] == [
        good["instance_id"]
    ]


def test_wrong_patches_are_not_taken_for_solutions(workplace: Workplace) -> None:
    told = json.loads(workplace.run("verify", "tasks.jsonl", "--probe", "2", "--json"))

    kinds = {each["kind"] for each in told["probes"]}
    assert {"empty", "deleted", "other-bug"} <= kinds
    assert told["repositories"]["local/shop"]["tried"] == len(told["probes"]) >= 6
    assert [each["task"] for each in told["probes"] if each["accepted"]] == []


def test_a_weak_task_is_found_by_probing(workplace: Workplace) -> None:
    found = rows(workplace.folder / "tasks.jsonl")
    weak = found[0]
    weak["PASS_TO_PASS"] = weak["PASS_TO_PASS"][:1]
    for row in found:
        row["content_sha256"] = content_of(row)
    write(workplace.folder / "weak.jsonl", found)

    told = json.loads(workplace.run("verify", "weak.jsonl", "--probe", str(len(found)), "--json"))

    accepted = {each["task"] for each in told["probes"] if each["accepted"]}
    assert accepted == {weak["instance_id"]}


def test_patches_are_graded_and_the_report_says_what_is_known(workplace: Workplace) -> None:
    predictions = []
    for row in rows(workplace.folder / "tasks.jsonl")[:3]:
        for model, patch in (("gold", row["fix_patch"]), ("empty", ""), ("junk", "no patch")):
            predictions.append(
                {
                    "instance_id": row["instance_id"],
                    "model_patch": patch,
                    "model_name_or_path": model,
                }
            )
    predictions.append({"instance_id": "nobody", "model_patch": "", "model_name_or_path": "gold"})
    write(workplace.folder / "preds.jsonl", predictions)
    words = ("evaluate", "--predictions", "preds.jsonl", "--tasks", "tasks.jsonl", "--json")

    told = json.loads(workplace.run(*words, code=1))
    again = json.loads(workplace.run(*words, code=1))

    assert told == again == json.loads((workplace.folder / "report.json").read_text())
    assert told["models"]["gold"]["resolved"] == 3
    assert told["models"]["empty"]["resolved"] == told["models"]["junk"]["resolved"] == 0
    errors = {(e["instance_id"], e["error"]) for e in told["instances"] if e["error"]}
    assert ("nobody", "unknown-task") in errors
    assert {error for _, error in errors} <= {"unknown-task", "does-not-apply"}


def test_what_is_wrong_with_some_rows_is_told_and_the_others_are_graded(
    workplace: Workplace,
) -> None:
    row = rows(workplace.folder / "tasks.jsonl")[0]
    name, fix = row["instance_id"], row["fix_patch"]
    new = "diff --git a/{0} b/{0}\nnew file mode 100644\nindex 0000000..1111111\n"
    binary = new.format("logo.png") + "Binary files /dev/null and b/logo.png differ\n"
    note = new.format("NOTES.md") + "--- /dev/null\n+++ b/NOTES.md\n@@ -0,0 +1 @@\n+\ud83d\n"

    def answer(model: str, patch: str, task: str = name) -> dict[str, Any]:
        return {"instance_id": task, "model_name_or_path": model, "model_patch": patch}

    predictions = [
        {**answer("good", fix), "cost": 1},
        answer("cut", fix + note),
        {"instance_id": name, "model": "old", "prediction": fix},
        answer("good", fix, "nobody"),
        answer("binary", binary + fix),
        answer("stripped", fix.rstrip("\n")),
        answer("nothing", ""),
    ]
    write(workplace.folder / "mixed.jsonl", predictions)
    words = ("--tasks", "tasks.jsonl", "-o", "mixed.json")

    said = workplace.run("evaluate", "--predictions", "mixed.jsonl", *words, code=1)

    told = json.loads((workplace.folder / "mixed.json").read_text(encoding="utf-8"))
    by_row = {each["row"]: each for each in told["instances"]}
    assert {each: by_row[f"line {each}"]["error"] for each in range(1, 8)} == {
        1: "",
        2: "unreadable-row",
        3: "unreadable-row",
        4: "unknown-task",
        5: "",
        6: "",
        7: "",
    }
    assert "its fields are instance_id, model, prediction" in by_row["line 3"]["detail"]
    assert all(each["detail"] for each in told["instances"] if each["error"])
    assert all(by_row[f"line {each}"]["notes"] for each in (5, 6))
    assert (told["resolved"], told["unresolved"], told["empty_patches"]) == (3, 1, 1)
    assert told["ignored_fields"] == {"cost": 1}
    assert told["models"]["good"]["ids_resolved"] == [name]
    assert told["models"]["good"]["ids_error"] == ["nobody"]
    assert "good: 1 of 2 resolved, 1 not graded (1 unknown-task)\n" in said
    assert "nothing: 0 of 1 resolved, 1 empty patch\n" in said
    assert f"line 3 ({name}): unreadable-row: no model_patch in it" in said
    assert "2 rows graded with a note:\n" in said
    assert "fields not read: cost (1 row)" in said


def test_rows_of_which_none_can_be_read_have_a_report_and_a_code(workplace: Workplace) -> None:
    write(workplace.folder / "old.jsonl", [{"instance_id": "a", "model": "m", "prediction": "x"}])

    workplace.run("evaluate", "--predictions", "old.jsonl", "-o", "old.json", code=2)

    told = json.loads((workplace.folder / "old.json").read_text())
    assert (told["total"], told["errors"], told["models"]) == (1, 1, {})
    assert "model_name_or_path" in told["instances"][0]["detail"]


def test_what_an_export_gives_a_solver_is_searched_for_the_fix(workplace: Workplace) -> None:
    told = workplace.run("verify", "tasks.jsonl", "--leaks")

    count = len(rows(workplace.folder / "tasks.jsonl"))
    assert f"{count} tasks, 1 environment or place" in told
    assert ": 0 leaks" in told

from __future__ import annotations

import json
import logging
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.errors import ConfigError, StoreError
from storage.git import git, line
from tasks.export import FORMATS, export
from tasks.export.provenance import provenance
from tasks.make import make_task
from tasks.material import Material, gather
from tasks.start_state import check_out, start_commit
from tests.tasks.made import FILES, TESTS, Made, make_bug, make_verdict

OURS = {"license": str, "provenance": str, "benchmarks": list, "overlap_count": int}
"""Columns that rows of every format have besides their own."""
SWE_SMITH = OURS | {
    "instance_id": str,
    "patch": str,
    "FAIL_TO_PASS": list,
    "PASS_TO_PASS": list,
    "image_name": str,
    "repo": str,
    "problem_statement": str,
}
SWE_BENCH = OURS | dict.fromkeys(
    [
        "repo",
        "instance_id",
        "base_commit",
        "patch",
        "test_patch",
        "problem_statement",
        "hints_text",
        "created_at",
        "version",
        "FAIL_TO_PASS",
        "PASS_TO_PASS",
        "environment_setup_commit",
    ],
    str,
)


def rows(made: Made, form: str, output: Path) -> list[dict[str, Any]]:
    export(form, made.store, made.trees, made.store.tasks(), output)
    return [json.loads(text) for text in output.read_text().splitlines()]


def types(row: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in row.items()}


def apply(patch: str, folder: Path) -> bytes:
    """Apply a patch as its users do, and return what the broken file is then."""
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True)
    return (folder / "pkg" / "clamp.py").read_bytes()


def test_swe_smith_rows_have_its_fields_and_types(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "swe-smith", tmp_path / "out.jsonl")
    commit = made.repository.commit[:8]

    assert types(row) == SWE_SMITH
    assert row["repo"] == f"swesmith/Someone__shop.{commit}"
    assert row["image_name"] == f"swebench/swesmith.x86_64.someone_1776_shop.{commit}"
    assert row["FAIL_TO_PASS"] == list(TESTS[:2])
    assert row["PASS_TO_PASS"] == list(TESTS[2:])


def test_the_swe_smith_patch_makes_the_bug(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "swe-smith", tmp_path / "out.jsonl")
    made.trees.materialise(made.repository.tree, tmp_path / "clean")
    start = start_commit(made.trees, made.bug)

    assert apply(row["patch"], tmp_path / "clean") == made.trees.read_file(
        start.tree, "pkg/clamp.py"
    )


def test_swe_bench_rows_have_its_fields_and_types(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "swe-bench", tmp_path / "out.jsonl")

    assert types(row) == SWE_BENCH
    assert json.loads(row["FAIL_TO_PASS"]) == list(TESTS[:2])
    assert json.loads(row["PASS_TO_PASS"]) == list(TESTS[2:])
    assert row["test_patch"] == ""
    assert row["environment_setup_commit"] == made.repository.commit


def test_the_swe_bench_patch_fixes_the_bug_in_its_base_commit(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "swe-bench", tmp_path / "out.jsonl")
    check_out(made.trees, made.bug, tmp_path / "work")

    assert line("rev-parse", "HEAD", cwd=tmp_path / "work") == row["base_commit"]
    assert apply(row["patch"], tmp_path / "work") == FILES["pkg/clamp.py"]


def test_the_two_directions_undo_each_other(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "jsonl", tmp_path / "out.jsonl")
    folder = tmp_path / "clean"
    made.trees.materialise(made.repository.tree, folder)
    git("init", "--quiet", folder)

    assert apply(row["bug_patch"], folder) != FILES["pkg/clamp.py"]
    assert apply(row["fix_patch"], folder) == FILES["pkg/clamp.py"]


def test_parquet_holds_the_same_as_json_lines(made: Made, tmp_path: Path) -> None:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    listed = rows(made, "jsonl", tmp_path / "out.jsonl")
    export("parquet", made.store, made.trees, made.store.tasks(), tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == listed
    assert listed[0]["install"] == ["uv pip install -e '.[test extra]'"]
    assert listed[0]["tests_visible"] is True


def test_pandas_reads_every_format(made: Made, tmp_path: Path) -> None:
    import pandas  # type: ignore[import-untyped]

    for form in FORMATS:
        export(form, made.store, made.trees, made.store.tasks(), tmp_path / form)
        read = pandas.read_parquet if form == "parquet" else pandas.read_json
        options = {} if form == "parquet" else {"lines": True}

        assert list(read(tmp_path / form, **options)["instance_id"]) == [made.task.id]


def test_a_name_ending_in_json_is_one_array(made: Made, tmp_path: Path) -> None:
    export("swe-bench", made.store, made.trees, made.store.tasks(), tmp_path / "out.json")

    assert [row["instance_id"] for row in json.loads((tmp_path / "out.json").read_text())] == [
        made.task.id
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_tasks_make_the_same_file(made: Made, tmp_path: Path, form: str) -> None:
    add_task(made, b"def clamp(value, low, high):\r\n    return low")
    tasks = made.store.tasks()
    assert export(form, made.store, made.trees, tasks, tmp_path / "one") == 2
    assert export(form, made.store, made.trees, reversed(tasks), tmp_path / "two") == 2

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def add_task(made: Made, content: bytes) -> str:
    bug = make_bug(made.repository.tree, content)
    verdict = make_verdict(bug, made.verdict.environment)
    task = make_task(made.repository, bug, verdict)
    made.store.add_bug(bug)
    made.store.add_verdict(verdict)
    made.store.add_task(task)
    return task.id


def test_a_task_whose_patch_is_no_text_is_left_out_and_named(
    made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = add_task(made, b"# caf\xe9\n")

    with caplog.at_level(logging.WARNING):
        found = rows(made, "swe-smith", tmp_path / "out.jsonl")

    assert [row["instance_id"] for row in found] == [made.task.id]
    assert odd in caplog.text


def test_a_task_goes_by_the_name_it_was_made_under(made: Made, tmp_path: Path) -> None:
    made.store.add_repository(replace(made.repository, owner="fork", name="other"))

    (row,) = rows(made, "swe-bench", tmp_path / "out.jsonl")

    assert row["repo"] == "Someone/shop"


def test_a_failed_export_leaves_the_old_file(made: Made, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    lost = replace(made.task, bug="0" * 32)

    with pytest.raises(StoreError, match="forge it again"):
        export("jsonl", made.store, made.trees, [made.task, lost], output)

    assert output.read_text() == "old"
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))


def test_a_place_that_cannot_be_written_is_one_line(made: Made, tmp_path: Path) -> None:
    (tmp_path / "no").write_text("a file, where a folder is named")
    with pytest.raises(ConfigError, match="cannot be written"):
        export("jsonl", made.store, made.trees, [made.task], tmp_path / "no" / "out.jsonl")
    with pytest.raises(ConfigError, match="no format 'csv'"):
        export("csv", made.store, made.trees, [made.task], tmp_path / "out.csv")


def test_rows_say_where_the_code_is_public(made: Made, tmp_path: Path) -> None:
    (row,) = rows(made, "swe-bench", tmp_path / "a.jsonl")

    assert row["provenance"] == (
        f"the code without the bug is public: Someone/shop at {made.repository.commit}; "
        "the bug was made by procedural and is nowhere public"
    )


def test_a_mirrored_bug_says_that_its_fix_is_public(made: Made, tmp_path: Path) -> None:
    origin = replace(made.bug.origin, strategy="mirror", commit="a" * 40, pull=12)
    material = replace(
        gather(made.store, made.trees, made.task), bug=replace(made.bug, origin=origin)
    )

    assert provenance(material).endswith(
        f"the bug is a real one, and its fix is public too: pull request 12, commit {'a' * 40}"
    )


def test_what_is_refined_is_what_leaves(made: Made, tmp_path: Path) -> None:
    def refine(material: Material) -> Material:
        return replace(
            material, licence="MIT", benchmarks=("swe-bench",), overlaps=1, nearest=TESTS[2:4]
        )

    output = tmp_path / "a.jsonl"
    export("jsonl", made.store, made.trees, made.store.tasks(), output, refine=refine)
    row = json.loads(output.read_text())

    assert row["license"] == "MIT"
    assert (row["benchmarks"], row["overlap_count"]) == (["swe-bench"], 1)
    assert row["PASS_TO_PASS"] == list(TESTS[2:4])
    assert row["pass_to_pass_all"] == len(TESTS[2:])

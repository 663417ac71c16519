"""Exports that are folders: every file is there, and says what it must."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forge.grade.carried_tasks import load_export
from harness.judge.judge import grade
from harness.runner_archive import archive_data
from harness.runs.suite import Result, SuiteRun
from storage.errors import ConfigError, SourceError
from storage.trees import Trees
from tasks.export import export_folder
from tasks.export import grade as inside
from tasks.export.fields import FIELDS
from tests.tasks.made import FILES, TESTS, Made

RUNNER = b"# the runner\n"
TEXT = st.text(max_size=5)


@pytest.fixture
def harbor(made: Made, tmp_path: Path) -> Path:
    return exported(made, "harbor", tmp_path / "harbor")


@pytest.fixture
def hf(made: Made, tmp_path: Path) -> Path:
    return exported(made, "hf", tmp_path / "hf", split=True)


def exported(made: Made, form: str, folder: Path, *, split: bool = False) -> Path:
    tasks = made.store.tasks()
    count = export_folder(form, made.store, made.trees, tasks, folder, runner=RUNNER, split=split)
    assert count == 1
    return folder


def test_a_harbor_task_has_its_files(made: Made, harbor: Path) -> None:
    task = harbor / made.task.id
    settings = tomllib.loads((task / "task.toml").read_text())

    assert settings["schema_version"] == "1.4"
    assert settings["task"]["name"] == f"bugfoundry/{made.task.id}"
    assert settings["environment"]["network_mode"] == "no-network"
    assert settings["metadata"]["bug_id"] == made.bug.id
    assert settings["metadata"]["fix_is_public"] is False
    assert len(settings["metadata"]["content_sha256"]) == 64
    assert made.task.statement.strip() in (task / "instruction.md").read_text()
    assert (task / "tests/runner.zip").read_bytes() == RUNNER
    for script in ("tests/test.sh", "solution/solve.sh", "environment/start.sh"):
        assert (task / script).stat().st_mode & 0o111
        assert subprocess.run(["sh", "-n", task / script], check=True).returncode == 0


def test_a_harbor_environment_holds_the_start_state_alone(made: Made, harbor: Path) -> None:
    folder = harbor / made.task.id / "environment"
    with tarfile.open(folder / "start.tar.gz") as tar:
        held = {e.name: tar.extractfile(e).read() for e in tar.getmembers()}  # type: ignore[union-attr]
        modes = {e.name: e.mode for e in tar.getmembers()}

    assert held == made.trees.read_all(exported_start(made))
    assert held["pkg/clamp.py"] != FILES["pkg/clamp.py"]
    assert modes["pkg/run.sh"] == 0o755
    fix = FILES["pkg/clamp.py"].splitlines()[1].strip()
    loose = [path for path in folder.iterdir() if path.suffix != ".gz"]
    assert not [path for path in loose if fix in path.read_bytes()]


def exported_start(made: Made) -> str:
    from tasks.start_state import start_commit

    return start_commit(made.trees, made.bug, made.task.test_patch).tree


def test_the_solution_fixes_the_start_state(made: Made, harbor: Path, tmp_path: Path) -> None:
    made.trees.materialise(exported_start(made), tmp_path / "work")
    fix = harbor / made.task.id / "solution/fix.patch"

    subprocess.run(["git", "apply", "--whitespace=nowarn", fix], cwd=tmp_path / "work", check=True)

    assert (tmp_path / "work/pkg/clamp.py").read_bytes() == FILES["pkg/clamp.py"]


def test_tests_and_configuration_are_put_back(made: Made, harbor: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    made.trees.materialise(exported_start(made), work)
    (work / "tests/test_clamp.py").write_text("cheat")
    (work / "conftest.py").unlink()
    (work / "pkg/conftest.py").write_text("cheat")
    (work / "pkg/clamp.py").write_text("mine")
    tests = harbor / made.task.id / "tests"

    (work / "pkg/new.py").write_text("mine")
    (work / "sitecustomize.py").write_text("cheat")
    (work / "setup.cfg").write_text("[metadata]\nname = mine\n[tool:pytest]\naddopts = cheat\n")

    done = restore(tests, work)

    assert (work / "tests/test_clamp.py").read_bytes() == FILES["tests/test_clamp.py"]
    assert (work / "conftest.py").exists()
    assert not (work / "pkg/conftest.py").exists()
    assert (work / "pkg/clamp.py").read_text() == "mine"
    assert (work / "pkg/new.py").read_text() == "mine"
    assert not (work / "sitecustomize.py").exists()
    assert (work / "setup.cfg").read_text() == "[metadata]\nname = mine\n[tool:pytest]\n"
    assert done.splitlines() == [
        "put back: conftest.py: the configuration of the tests",
        "put back: pkg/conftest.py: a new configuration of the tests",
        "put back: setup.cfg: [tool:pytest]",
        "put back: sitecustomize.py: a new file that is loaded by itself",
        "put back: tests/test_clamp.py: the file of the tests",
    ]


def test_a_container_follows_no_link_that_a_solver_left(
    made: Made, harbor: Path, tmp_path: Path
) -> None:
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    made.trees.materialise(exported_start(made), work)
    shutil.move(work / "tests", elsewhere)
    (work / "tests").symlink_to(elsewhere)
    (elsewhere / "test_clamp.py").write_text("cheat")

    restore(harbor / made.task.id / "tests", work)

    assert not (work / "tests").is_symlink()
    assert (work / "tests/test_clamp.py").read_bytes() == FILES["tests/test_clamp.py"]
    assert (elsewhere / "test_clamp.py").read_text() == "cheat"


def test_what_the_image_brings_is_kept_and_what_a_solver_adds_is_not(
    made: Made, harbor: Path, tmp_path: Path
) -> None:
    task, work, kept = harbor / made.task.id, tmp_path / "work", tmp_path / "kept"
    (work / "pkg.egg-info").mkdir(parents=True)
    (work / "pkg.egg-info/entry_points.txt").write_text("[pytest11]\npkg = pkg.plugin\n")
    start = task / "environment"
    script = (start / "start.sh").read_text().replace("/testbed", str(work))
    script = script.replace("/tmp/start", str(start)).replace("/opt/bugfoundry", str(kept))
    lines = [line for line in script.splitlines() if not line.startswith("chown")]
    subprocess.run(["sh", "-c", "\n".join(lines)], check=True)
    assert (work / "pkg/clamp.py").exists()

    (work / "pkg.egg-info/entry_points.txt").write_text("cheat")
    (work / "other.egg-info").mkdir()
    (work / "other.egg-info/entry_points.txt").write_text("cheat")
    (work / "pkg/__pycache__").mkdir()
    (work / "pkg/__pycache__/clamp.cpython-311.pyc").write_text("cheat")
    done = restore(task / "tests", work, kept / "built.tar.gz")

    assert (work / "pkg.egg-info/entry_points.txt").read_text().startswith("[pytest11]")
    assert not (work / "other.egg-info/entry_points.txt").exists()
    assert not (work / "pkg/__pycache__").exists()
    assert done.splitlines() == [
        "put back: other.egg-info/entry_points.txt: a new file that is loaded by itself",
        "put back: pkg.egg-info/entry_points.txt: the file that is loaded by itself",
    ]


def restore(tests: Path, work: Path, built: Path | None = None) -> str:
    place = built or work / "none"
    words = [sys.executable, "-I", tests / "intake.zip", tests / "files.tar.gz", place]
    return subprocess.run(words, cwd=work, check=True, capture_output=True, text=True).stdout


OUTCOMES = st.sampled_from(
    ["passed", "failed", "error", "skipped", "xfailed", "timeout", "crashed", None]
)


@given(st.lists(OUTCOMES, min_size=6, max_size=6))
def test_the_rule_inside_the_container_is_the_one_rule(found: list[str | None]) -> None:
    outcomes = {test: each for test, each in zip(TESTS, found, strict=True) if each is not None}
    results = {test: Result(outcome=each) for test, each in outcomes.items()}  # type: ignore[arg-type]
    run = SuiteRun(results=results, collected=tuple(results))
    config = {"FAIL_TO_PASS": TESTS[:2], "PASS_TO_PASS": TESTS[2:]}

    assert inside.is_solved(config, outcomes) == grade(TESTS[:2], TESTS[2:], run).resolved


def test_a_task_is_graded_by_the_archive_beside_it(tmp_path: Path) -> None:
    tree, scratch = tmp_path / "tree", tmp_path / "scratch"
    for folder in (tree, scratch):
        folder.mkdir()
    (tree / "test_it.py").write_text("def test_good(): pass\ndef test_bad(): assert 0\n")
    runner = tmp_path / "runner.zip"
    runner.write_bytes(archive_data())
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(scratch)}
    config = {"pytest_args": [], "test_timeout": 60, "total_timeout": 120}
    config |= {"FAIL_TO_PASS": ["test_it.py::test_good"]}

    for others, code in (([], 0), (["test_it.py::test_bad"], 1)):
        place = tmp_path / "config.json"
        place.write_text(json.dumps({**config, "PASS_TO_PASS": others}))
        words = [sys.executable, "-I", inside.__file__, runner, place]
        done = subprocess.run(words, cwd=tree, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code
    assert "not green: test_it.py::test_bad (failed)" in done.stdout


def test_a_data_set_has_card_schema_and_rows(made: Made, hf: Path) -> None:
    import pandas  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    (file,) = (hf / "data").iterdir()
    (row,) = pq.read_table(file).to_pylist()
    schema = json.loads((hf / "schema.json").read_text())
    card = (hf / "README.md").read_text()

    assert row["instance_id"] == made.task.id
    assert f"{row['split']}.parquet" == file.name
    assert [field["name"] for field in schema] == list(row)
    assert list(pandas.read_parquet(file).columns) == list(row)
    assert card.startswith("---\n") and f"path: data/{file.name}" in card
    assert "bugfoundry verify . --rounds 5" in card
    assert all(f"| `{name}` |" in card for name in row)


def test_every_field_is_described(hf: Path) -> None:
    described = {
        field["name"]: field["description"]
        for field in json.loads((hf / "schema.json").read_text())
    }
    assert described == {name: FIELDS[name] for name in described}
    assert set(FIELDS) - set(described) == {"verified_rounds", "verified_score"}


@pytest.mark.parametrize("form", ["harbor", "hf"])
def test_checksums_cover_every_file(made: Made, tmp_path: Path, form: str) -> None:
    folder = exported(made, form, tmp_path / form)
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    told = {line[66:]: line[:64] for line in lines}

    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert told == found


@pytest.mark.parametrize("form", ["harbor", "hf"])
def test_a_folder_carries_its_tasks_without_the_store(
    made: Made, tmp_path: Path, form: str
) -> None:
    folder = exported(made, form, tmp_path / form)
    elsewhere = Trees(tmp_path / "elsewhere")

    found = load_export(folder, elsewhere)[made.task.id]

    assert found.bug.id == made.bug.id
    assert found.bug.changes == made.bug.changes
    assert elsewhere.read_all(found.bug.tree) == FILES
    assert found.verdict.fail_to_pass == made.verdict.fail_to_pass
    assert found.environment.id == made.verdict.environment
    assert found.task.statement == made.task.statement


def test_a_record_that_was_changed_is_refused(made: Made, tmp_path: Path) -> None:
    folder = exported(made, "harbor", tmp_path / "harbor")
    place = folder / "tasks.jsonl"
    row = json.loads(place.read_text())

    place.write_text(json.dumps({**row, "FAIL_TO_PASS": row["FAIL_TO_PASS"][:1]}) + "\n")
    with pytest.raises(SourceError, match="was changed after it was exported"):
        load_export(folder, Trees(tmp_path / "elsewhere"))
    place.write_text(json.dumps({**row, "tree_bundle": ""}) + "\n")
    with pytest.raises(SourceError, match="is not in the file"):
        load_export(folder, Trees(tmp_path / "other"))
    place.write_text(json.dumps({**row, "tree_bundle": "bm8gYnVuZGxl"}) + "\n")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        load_export(folder, Trees(tmp_path / "other"))


def test_a_folder_that_is_not_empty_is_left_alone(made: Made, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        exported(made, "hf", tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_the_same_tasks_make_the_same_folder(made: Made, tmp_path: Path) -> None:
    one = exported(made, "harbor", tmp_path / "one")
    two = exported(made, "harbor", tmp_path / "two")
    assert (one / "SHA256SUMS").read_text() == (two / "SHA256SUMS").read_text()

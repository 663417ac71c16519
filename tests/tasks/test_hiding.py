"""The tests that came with a fix: hidden from a solver, back for grading."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forge.grade.intake import read_start_state, take_known_fix, take_patch
from forge.grade.lookup import StoredTask
from storage.git import git
from syntax.patch_text import apply_patch
from syntax.patches import unified_diff
from tasks.export import export
from tasks.hidden_tests import test_patch as hiding_patch
from tasks.start_state import bundle, check_out, start_commit
from tests.tasks.made import BROKEN, FILES, Made, make

PATH = "tests/test_clamp.py"
HEAD = """\
import pytest

from pkg.clamp import clamp


def test_low():
    assert clamp(0, 1, 2) == 1
"""
NEW = """

# It was too high.
@pytest.mark.parametrize("value", [3, 4])
def test_clamp(value):
    assert clamp(value, 1, 2) == 2
"""
CLASS = """

class TestEnds:
    def test_swapped(self):
        assert clamp(0, 2, 1)


class TestBoth:
    def test_kept(self):
        assert True

    def test_hidden(self):
        assert clamp(0, 2, 1)
"""
WHOLE = (HEAD + NEW + CLASS).encode()
FAILING = (
    f"{PATH}::test_clamp[3]",
    f"{PATH}::test_clamp[4]",
    f"{PATH}::TestEnds::test_swapped",
    f"{PATH}::TestBoth::test_hidden",
)
HIDDEN = (
    HEAD + CLASS[CLASS.index("\n\nclass TestBoth") : CLASS.index("\n    def test_hidden")]
).encode()


def hide(*failing: str, files: tuple[str, ...] = (PATH,), whole: bytes = WHOLE) -> str:
    return hiding_patch({PATH: whole}.get, failing, files)


def hidden(patch: str, whole: bytes = WHOLE) -> bytes | None:
    """What a solver finds in the file."""
    return apply_patch(patch, {PATH: whole}.get, reverse=True)[PATH]


def test_functions_methods_and_all_parameters_are_hidden() -> None:
    patch = hide(*FAILING)

    assert hidden(patch) == HIDDEN
    assert apply_patch(patch, {PATH: HIDDEN}.get) == {PATH: WHOLE}


def test_one_failing_parameter_hides_the_whole_function() -> None:
    assert hide(FAILING[0]) == hide(*FAILING[:2])
    assert b"test_clamp" not in (hidden(hide(FAILING[0])) or b"")


def test_a_class_that_is_left_empty_is_hidden_with_its_tests() -> None:
    assert b"TestEnds" not in (hidden(hide(FAILING[2])) or b"")
    assert b"class TestBoth" in (hidden(hide(FAILING[3])) or b"")


@pytest.mark.parametrize("part", ["[a::b]", "[a[0]]", "[x/y.py::z]"])
def test_parameters_that_look_like_parts_of_an_id_do_not_mislead(part: str) -> None:
    assert hide(f"{PATH}::test_clamp{part}") == hide(FAILING[0])


@pytest.mark.parametrize(
    "test",
    [
        f"{PATH}::TestEnds::test_inherited",
        f"{PATH}::test_generated",
        "tests/test_gone.py::test_clamp",
        "tests/test_other.py::test_low",
        PATH,
    ],
)
def test_what_is_not_written_out_where_its_id_says_stays(test: str) -> None:
    assert hide(test, files=(PATH, "tests/test_gone.py")) == ""


def test_a_class_that_others_inherit_from_stays_whole() -> None:
    whole = WHOLE + b"\n\nclass TestMore(TestEnds):\n    pass\n"

    assert hide(FAILING[2], whole=whole) == ""


def test_what_was_there_before_the_fix_is_not_touched() -> None:
    assert hide(f"{PATH}::test_low", files=("tests/test_fix.py",)) == ""


def test_a_file_that_does_not_parse_stays() -> None:
    assert hide(FAILING[0], whole=b"def test_clamp(:\n") == ""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A task whose tests are hidden."""
    monkeypatch.setitem(FILES, PATH, WHOLE)
    whole = make(tmp_path)
    task = replace(
        whole.task, test_patch=hide(*FAILING), hints=("It is too high.", "Only above the middle.")
    )
    whole.store.add_task(task)
    yield replace(whole, task=task)
    whole.store.close()


def found(made: Made) -> StoredTask:
    environment = made.store.environment(made.verdict.environment)
    baseline = made.store.baseline(made.verdict.environment)
    assert environment is not None
    assert baseline is not None
    return StoredTask(
        task=made.task,
        bug=made.bug,
        verdict=made.verdict,
        environment=environment,
        baseline=baseline,
        repository=made.repository,
    )


def test_a_solver_starts_without_them_and_all_else_is_there(made: Made) -> None:
    start = start_commit(made.trees, made.bug, made.task.test_patch)

    expected = FILES | {"pkg/clamp.py": BROKEN, PATH: HIDDEN}
    assert made.trees.read_all(start.tree) == expected
    assert start.commit != start_commit(made.trees, made.bug).commit


def test_neither_a_checkout_nor_a_bundle_holds_them_anywhere(made: Made, tmp_path: Path) -> None:
    check_out(made.trees, made.bug, tmp_path / "work", made.task.test_patch)
    file = tmp_path / "task.bundle"
    bundle(made.trees, made.bug, file, branch="task", test_patch=made.task.test_patch)
    git("clone", "--quiet", "-b", "task", file, tmp_path / "clone")

    for folder in ("work", "clone"):
        objects = git("cat-file", "--batch-all-objects", "--batch", cwd=tmp_path / folder)
        assert b"test_low" in objects
        assert b"too high" not in objects
        assert b"test_swapped" not in objects


def test_grading_runs_them_as_the_tree_has_them(made: Made) -> None:
    item = found(made)
    read = read_start_state(item, made.trees)

    assert read(PATH) == HIDDEN
    fix = unified_diff("pkg/clamp.py", BROKEN, FILES["pkg/clamp.py"])
    cheat = unified_diff(PATH, HIDDEN, b"def test_low():\n    pass\n")
    intake = take_patch(item, made.trees, fix + cheat)
    assert intake.files == {"pkg/clamp.py": FILES["pkg/clamp.py"]}
    assert intake.taken_back == (f"{PATH}: the file of the tests",)
    assert take_known_fix(item, made.trees).files == intake.files


def rows(made: Made, form: str, folder: Path) -> dict[str, object]:
    output = folder / f"{form}.jsonl"
    export(form, made.store, made.trees, made.store.tasks(), output)
    (text,) = output.read_text().splitlines()
    return dict(json.loads(text))


def test_exports_carry_the_patch_and_the_hints(made: Made, tmp_path: Path) -> None:
    row = rows(made, "swe-bench", tmp_path)
    assert row["test_patch"] == made.task.test_patch
    assert row["hints_text"] == "It is too high.\n\nOnly above the middle."
    assert row["base_commit"] == start_commit(made.trees, made.bug, made.task.test_patch).commit

    own = rows(made, "jsonl", tmp_path)
    assert own["test_patch"] == made.task.test_patch
    assert own["tests_visible"] is False
    assert own["hints"] == list(made.task.hints)
    assert own["start_commit"] == row["base_commit"]


def test_what_is_exported_makes_the_whole_again_with_git(made: Made, tmp_path: Path) -> None:
    row = rows(made, "swe-bench", tmp_path)
    work = tmp_path / "work"
    check_out(made.trees, made.bug, work, made.task.test_patch)

    for patch in (row["patch"], row["test_patch"]):
        subprocess.run(["git", "apply", "-"], cwd=work, input=str(patch).encode(), check=True)

    assert {path: (work / path).read_bytes() for path in FILES} == FILES

"""Each rule of what a solver sees, and of what of a solver's patch counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import PatchError, StoreError
from storage.git import git, line
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.material import gather
from tasks.start_state import (
    bundle,
    check_out,
    grading_files,
    is_doctest,
    is_protected,
    start_commit,
)
from tests.tasks.made import BROKEN, FILES, Made, make_bug, make_repository


def graded(made: Made, patch: str, *, tests: tuple[str, ...] = ()) -> dict[str, bytes | None]:
    start = start_commit(made.trees, made.bug)
    return grading_files(lambda path: made.trees.read_file(start.tree, path), patch, tests=tests)


def test_a_solver_starts_from_the_files_with_the_bug(made: Made) -> None:
    start = start_commit(made.trees, made.bug)

    assert made.trees.read_all(start.tree) == FILES | {"pkg/clamp.py": BROKEN}
    assert made.trees.paths(start.tree) == made.trees.paths(made.repository.tree)


def test_the_start_is_the_same_commit_on_any_machine(made: Made, tmp_path: Path) -> None:
    elsewhere = Trees(tmp_path / "elsewhere")
    tree = make_repository(tmp_path / "copy", elsewhere).tree

    assert start_commit(elsewhere, make_bug(tree)) == start_commit(made.trees, made.bug)


def test_a_checkout_shows_neither_past_nor_fix(made: Made, tmp_path: Path) -> None:
    start = check_out(made.trees, made.bug, tmp_path / "work")

    assert line("rev-list", "--all", "--parents", cwd=tmp_path / "work") == start.commit
    assert line("remote", cwd=tmp_path / "work") == ""
    everything = git("cat-file", "--batch-all-objects", "--batch", cwd=tmp_path / "work")
    assert b"min(low" in everything
    assert b"max(low" not in everything
    for path in (tmp_path / "work" / ".git").rglob("*"):
        assert path.is_dir() or b"max(low" not in path.read_bytes()


def test_a_bundle_is_the_same_start(made: Made, tmp_path: Path) -> None:
    start = bundle(made.trees, made.bug, tmp_path / "task.bundle", branch=made.task.id)
    git("clone", "--quiet", "-b", made.task.id, tmp_path / "task.bundle", tmp_path / "clone")

    assert line("rev-parse", "HEAD", cwd=tmp_path / "clone") == start.commit


def test_a_patch_that_gives_other_files_than_were_judged_is_refused(made: Made) -> None:
    forged = replace(made.bug, patch=unified_diff("pkg/clamp.py", FILES["pkg/clamp.py"], b"x\n"))

    with pytest.raises(StoreError, match="other files than were judged"):
        start_commit(made.trees, forged)


def test_an_empty_patch_changes_nothing(made: Made) -> None:
    assert graded(made, "") == {}
    assert graded(made, "\n") == {}


def test_the_gold_patch_gives_back_the_unbroken_file(made: Made) -> None:
    fix = gather(made.store, made.trees, made.task).fix

    assert graded(made, fix) == {"pkg/clamp.py": FILES["pkg/clamp.py"]}


@pytest.mark.parametrize(
    "path", ["tests/test_clamp.py", "tests/data.json", "conftest.py", "setup.cfg"]
)
def test_changed_tests_and_configuration_are_as_at_the_start(made: Made, path: str) -> None:
    fix = gather(made.store, made.trees, made.task).fix
    cheat = unified_diff(path, FILES[path], b"changed\n")

    assert graded(made, cheat + fix) == {"pkg/clamp.py": FILES["pkg/clamp.py"]}
    assert graded(made, unified_diff(path, FILES[path], None) + fix) == graded(made, fix)


@pytest.mark.parametrize(
    "path",
    ["pytest.ini", "pkg/conftest.py", "tests/__init__.py", "test_more.py", "sitecustomize.py"],
)
def test_added_tests_and_configuration_do_not_count(made: Made, path: str) -> None:
    assert graded(made, unified_diff(path, None, b"x = 1\n")) == {}


def test_files_of_the_tests_to_be_run_are_protected_whatever_their_name(made: Made) -> None:
    cheat = unified_diff("pkg/clamp.py", BROKEN, b"pass\n")

    assert graded(made, cheat, tests=("pkg/clamp.py::clamp",)) == {}


def test_other_files_may_be_added_and_deleted(made: Made) -> None:
    new = unified_diff("pkg/new.py", None, b"x = 1\n")
    gone = unified_diff("pkg/run.sh", FILES["pkg/run.sh"], None, mode="100755")

    assert graded(made, new + gone) == {"pkg/new.py": b"x = 1\n", "pkg/run.sh": None}


def test_a_patch_that_does_not_apply_is_refused(made: Made) -> None:
    with pytest.raises(PatchError):
        graded(made, unified_diff("pkg/clamp.py", b"other\n", b"lines\n"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/unit/helper.py", True),
        ("src/pkg/tests/data/x.txt", True),
        ("test_x.py", True),
        ("pkg/x_test.py", True),
        ("tests.py", True),
        ("tox.ini", True),
        ("pyproject.toml", True),
        (".pytest.ini", True),
        ("docs/conftest.py", True),
        ("evil.pth", True),
        ("pkg/testing.py", False),
        ("pkg/contest.py", False),
        ("pkg/latest.py", False),
        ("pkg/testing/tool.py", False),
        ("README.md", False),
    ],
)
def test_what_is_protected(path: str, expected: bool) -> None:
    assert is_protected(path) is expected


@pytest.mark.parametrize(
    ("test", "doctest"),
    [
        ("shop/cart.py::shop.cart.Cart.total", True),
        ("src/shop/cart.py::shop.cart", True),
        ("src/shop/__init__.py::shop.total", True),
        ("checks/cart.py::test_total", False),
        ("checks/cart.py::TestCart::test_total[1.5]", False),
        ("docs/cart.rst::cart.rst", False),
    ],
)
def test_examples_in_docstrings_are_told_from_tests(test: str, doctest: bool) -> None:
    assert is_doctest(test) is doctest


def test_a_fix_counts_in_a_module_whose_docstrings_are_tested() -> None:
    files = {"shop/cart.py": b"one\n", "checks/cart.py": b"one\n"}
    patch = "".join(unified_diff(path, data, b"two\n") for path, data in files.items())
    tests = ["shop/cart.py::shop.cart.total", "checks/cart.py::test_total"]

    assert grading_files(files.get, patch, tests=tests) == {"shop/cart.py": b"two\n"}

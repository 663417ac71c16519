"""Each rule of what a solver sees, and of what of a solver's patch counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import StoreError
from storage.git import git, line
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.start_state import (
    bundle,
    check_out,
    start_commit,
)
from tests.tasks.made import BROKEN, FILES, Made, make_bug, make_repository


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

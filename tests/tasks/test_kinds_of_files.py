"""Bugs in files of every kind: their start state, their known fix and their exports are git's."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from storage.git import git
from storage.patched_trees import apply_by_git
from storage.records import FileChange
from syntax.patches import encode, unified_diff
from tasks.export import FORMATS, export, export_folder
from tasks.make import make_task
from tasks.material import gather
from tasks.start_state import check_out, start_commit
from tests.tasks.made import FILES, Made, make_verdict


class Edit(NamedTuple):
    """A file as the unbroken tree has it, and as the bug leaves it; None where it is not."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: str = "100644"


EDITS = {
    "an empty package file is gone": [
        Edit("pkg/new/__init__.py", b"", None),
        Edit("pkg/new/rules.py", b"x = 1\n", None),
    ],
    "an empty file is new": [Edit("pkg/empty.py", None, b"")],
    "a file is emptied": [Edit("pkg/rules.py", b"x = 1\n", b"")],
    "a binary file differs": [Edit("pkg/data.bin", b"\0\1\2", b"\0\1\3\r\n")],
    "a binary file is gone": [Edit("pkg/data.bin", b"\0" * 3000, None)],
    "a script is gone": [Edit("pkg/tool.sh", b"#!/bin/sh\n", None, "100755")],
    "a link points elsewhere": [Edit("pkg/link", b"clamp.py", b"run.sh", "120000")],
    "a link is gone": [Edit("pkg/link", b"clamp.py", None, "120000")],
    "a quoted name": [Edit('pkg/q"\tü.py', b"", None)],
}


def make_broken(made: Made, edits: list[Edit]) -> Made:
    """Return a store with one task whose bug edits these files, in a tree of its own."""
    before = {edit.path: edit.before for edit in edits}
    modes = {edit.path: edit.mode for edit in edits}
    tree = made.trees.with_changes(made.repository.tree, before, modes)
    changes = tuple(
        FileChange(
            path=edit.path,
            mode="" if edit.after is None else edit.mode,
            sha256="" if edit.after is None else sha256(edit.after).hexdigest(),
        )
        for edit in edits
    )
    patch = "".join(unified_diff(e.path, e.before, e.after, mode=e.mode) for e in edits)
    bug = replace(made.bug, tree=tree, patch=patch, changes=changes)
    repository = replace(made.repository, tree=tree, commit=made.trees.orphan_commit(tree, "Start"))
    environment = replace(made.store.environment(made.task.environment), tree=tree)
    baseline = replace(made.store.baseline(made.task.environment), environment=environment.id)
    verdict = replace(make_verdict(bug, environment.id))
    task = make_task(repository, bug, verdict)
    made.store.add_repository(repository)
    made.store.add_environment(environment)
    made.store.add_baseline(baseline)
    made.store.add_bug(bug)
    made.store.add_verdict(verdict)
    made.store.add_task(task)
    return replace(made, repository=repository, bug=bug, verdict=verdict, task=task)


@pytest.mark.parametrize("kind", EDITS)
def test_git_agrees_on_the_bug_and_its_known_fix(made: Made, tmp_path: Path, kind: str) -> None:
    broken = make_broken(made, EDITS[kind])

    start = start_commit(broken.trees, broken.bug)
    material = gather(broken.store, broken.trees, broken.task)

    patch = encode(broken.bug.patch)
    assert apply_by_git(broken.trees, broken.bug.tree, patch).tree == start.tree
    assert apply_by_git(broken.trees, start.tree, encode(material.fix)).tree == broken.bug.tree
    check_out(broken.trees, broken.bug, tmp_path / "work")
    assert git("status", "--porcelain", cwd=tmp_path / "work") == b""
    assert (tmp_path / "work/pkg/clamp.py").read_bytes() == FILES["pkg/clamp.py"]


@pytest.mark.parametrize("kind", EDITS)
def test_every_export_takes_the_task(made: Made, tmp_path: Path, kind: str) -> None:
    broken = make_broken(made, EDITS[kind])
    tasks = [broken.task]

    for form in FORMATS:
        assert export(form, broken.store, broken.trees, tasks, tmp_path / form) == 1
    for form in ("harbor", "hf"):
        folder = tmp_path / form
        export_folder(form, broken.store, broken.trees, tasks, folder, runner=b"runner")
        assert any(folder.iterdir())

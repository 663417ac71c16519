"""The one way in for every patch on a task: a solver's, a probe's, and the known fix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from forge.grade.lookup import StoredTask
from harness.judge.grader import GradingRequest
from harness.judge.worker import Files
from storage.foreign_patches import apply_foreign_patch
from storage.records import Bug
from storage.trees import Trees
from syntax.intake.intake import IntakeReference, take_in
from syntax.patches import encode
from tasks.intake import make_reference
from tasks.start_state import broken_files, fix_patch, hidden_files, start_commit

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A patch that was taken in."""

    files: Files
    """What is graded, as it differs from the unbroken tree."""
    modes: Mapping[str, str] = field(default_factory=dict)
    """Mode of each file that the patch leaves, as git has it."""
    taken_back: tuple[str, ...] = ()
    """What of the patch was put back, each as ``path: what``."""
    notes: tuple[str, ...] = ()
    """How the patch was read where git did not take it as it is."""

    def ask(self, found: StoredTask) -> GradingRequest:
        """Ask whether it solves the task."""
        verdict = found.verdict
        return GradingRequest(
            files=self.files,
            fail_to_pass=verdict.fail_to_pass,
            pass_to_pass=verdict.pass_to_pass,
        )


def take_patch(found: StoredTask, trees: Trees, patch: str) -> Intake:
    """Take a patch on the start state in. Raises PatchError when it does not apply.

    Tests and what decides how they run are those of the start state, whatever the patch says.
    """
    broken = broken_files(trees, found.bug)
    if not patch.strip():
        return Intake(files=broken)
    start = start_tree(trees.git_dir.parent, found.bug, found.task.test_patch)
    applied = apply_foreign_patch(trees, start, encode(patch))
    submission = take_in(reference_of(found, trees), applied.files)
    return Intake(
        files={**broken, **submission.files},
        modes={path: mode for path, mode in applied.modes.items() if path in submission.files},
        taken_back=submission.taken_back,
        notes=applied.notes,
    )


@lru_cache(maxsize=256)
def start_tree(cache: Path, bug: Bug, test_patch: str) -> str:
    """Return the tree that a solver starts from, written once for many patches."""
    return start_commit(Trees(cache), bug, test_patch).tree


def take_known_fix(found: StoredTask, trees: Trees) -> Intake:
    """Take the known fix in, as any solver's patch."""
    return take_patch(found, trees, fix_patch(trees, found.bug))


def reference_of(found: StoredTask, trees: Trees) -> IntakeReference:
    """Return what patches on a task are held against."""
    tree, verdict = found.bug.tree, found.verdict
    return make_reference(
        broken_files(trees, found.bug),
        found.bug,
        lambda path: trees.read_file(tree, path),
        trees.paths(tree),
        (*verdict.fail_to_pass, *verdict.pass_to_pass),
        found.environment.lock,
    )


def read_start_state(found: StoredTask, trees: Trees) -> Read:
    """Read files as a solver finds them: those of the tree, with the bug in them."""
    bug = found.bug
    start = broken_files(trees, bug) | hidden_files(trees, bug, found.task.test_patch)

    def read_file(path: str) -> bytes | None:
        return start[path] if path in start else trees.read_file(bug.tree, path)

    return read_file

"""Refuse bugs whose known fix could not be handed in, before they cost a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from forge.run.preparation import Ready, cached_reader
from storage.errors import PatchError
from storage.records import Bug
from storage.trees import Trees
from syntax.intake.ids import tests_by_file
from syntax.intake.places import is_decisive
from syntax.patch_text import apply_patch
from tasks.intake import check_known_fix, make_reference

TESTS_IN_THE_FIX = "tests-in-the-fix"
"""Reason of a verdict: grading would put back some of what undoes the bug."""


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What is known of a tree and its tests, to hold bugs against."""

    read: Callable[[str], bytes | None]
    list_paths: Callable[[], frozenset[str]]
    tests: tuple[str, ...]
    """Ids of the tests that pass in the baseline."""
    lock: str

    @classmethod
    def of(cls, ready: Ready, trees: Trees) -> Admission:
        """Gather it for a repository."""
        tree, prepared = ready.repository.tree, ready.prepared
        return cls(
            read=cached_reader(trees, tree),
            list_paths=lambda: frozenset(trees.paths(tree)),
            tests=prepared.baseline.green,
            lock=prepared.environment.lock,
        )

    @cached_property
    def _paths(self) -> frozenset[str]:
        return self.list_paths()

    def explain_refusal(self, bug: Bug) -> str:
        """Say what of the known fix would be put back; empty where nothing would."""
        held = tests_by_file(self.tests)
        changed = [change.path for change in bug.changes]
        added = any(not change.sha256 for change in bug.changes)
        if not added and not any(path in held or is_decisive(path) for path in changed):
            return ""
        try:
            broken = apply_patch(bug.patch, self.read)
        except PatchError:
            return ""  # The judge says so.
        reference = make_reference(broken, bug, self.read, self._paths, self.tests, self.lock)
        return "; ".join(check_known_fix(reference, self.read))

"""Refuse bugs whose known fix could not be handed in, before they cost a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from forge.run.preparation import Ready, cached_reader
from harness.judge.judge import HARNESS_VERSION
from storage.errors import PatchError
from storage.records import Bug, Verdict
from storage.trees import Trees
from syntax.patch_text import apply_patch
from tasks.intake import TESTS_IN_THE_FIX, explain_known_fix


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

    def refuse(self, bug: Bug, environment: str, mode: str) -> Verdict | None:
        """Return the verdict on a bug whose known fix could not be handed in; None for others."""
        detail = self.explain_refusal(bug)
        if not detail:
            return None
        return Verdict(
            bug=bug.id,
            environment=environment,
            harness=HARNESS_VERSION,
            mode=mode,
            reason=TESTS_IN_THE_FIX,
            detail=detail,
        )

    def explain_refusal(self, bug: Bug) -> str:
        """Say what of the known fix would be put back; empty where nothing would."""
        try:
            return explain_known_fix(
                bug,
                lambda: apply_patch(bug.patch, self.read),
                self.read,
                paths=lambda: self._paths,
                tests=self.tests,
                lock=self.lock,
            )
        except PatchError:
            return ""  # The judge says so.

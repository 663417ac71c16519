"""Undo fixes by a model, whose answers are judged like any bug."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from forge.pulls.feedback import describe_attempt, feedback_of, source_diff, today_paths
from forge.run.context import Context, SourceCode
from llm.client import Model
from mirror.undo.bugs import bug_of
from mirror.undo.fixes import Clone, Fix
from mirror.undo.model_tier import Feedback, ModelUndo, UndoCase, undo_by_model
from mirror.undo.results import Undo
from mirror.undo.share import share_undone
from storage.records import Bug, Issue, PullRequest, Verdict
from storage.trees import Trees

MODEL = "model"
"""Name of the tier."""
Judgement = Callable[[Bug], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTier:
    """The tier that asks a model, and what it needs of a repository."""

    tree: str
    clone: Clone
    trees: Trees
    model: Model
    tests: tuple[str, ...]
    """Ids of the tests that pass on the unbroken code."""

    async def ask(
        self, pull: PullRequest, fix: Fix, merged: Undo, case: UndoCase, context: Context
    ) -> tuple[Bug | None, ModelUndo]:
        """Have the model undo a fix. Returns the bug, or None, and what came of asking."""
        assert context.judge is not None
        judge: Judgement = context.judge
        homes = self.clone.find_homes(fix, context.files)
        own = today_paths(fix.tests, self.trees.paths(self.tree))
        bugs: list[Bug] = []

        async def feedback(changed: Mapping[str, bytes]) -> Feedback:
            share = share_undone(fix.changes, homes, context.files, changed)
            made = Undo(files=changed, tier=None, undone=share, entities=merged.entities)
            bug = self._make_bug(pull, fix, made, context)
            found = await judge(bug)
            bugs.append(bug)
            return feedback_of(found, own, self.tests)

        undoing = await undo_by_model(case, self.model.within(strategy="mirror"), feedback)
        # The asking ends with the first answer that does it: the bug judged last.
        return (bugs[-1] if undoing.undone else None), undoing

    def _make_bug(self, pull: PullRequest, fix: Fix, made: Undo, code: SourceCode) -> Bug:
        return bug_of(
            self.tree,
            fix,
            made,
            code.files,
            code.modes,
            pull=pull.number,
            tier=MODEL,
            model=self.model.name,
            tests=self.tests,
        )


def make_case(
    fix: Fix,
    issues: Sequence[Issue],
    homes: Mapping[str, Sequence[str]],
    code: SourceCode,
    *,
    merged: Undo,
    verdict: Verdict | None,
) -> UndoCase:
    """Return what a model is given of a fix, once a merge did not do.

    ``verdict`` is that on the merge's bug, None where it made none.
    """
    paths = {home for change in fix.changes for home in homes.get(change.path, ())[:1]}
    return UndoCase(
        diff=source_diff(fix),
        issues=tuple(issues),
        files={path: code.files[path] for path in sorted(paths)},
        tried=describe_attempt(merged, verdict),
    )

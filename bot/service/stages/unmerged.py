"""A pull request that is still open, undone at its own head.

It becomes no task: what is not merged may yet change.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from bot.service.reports.guards import Guards
from bot.service.stages.base import Stage
from forge.compose import engine_for
from forge.pulls.merge_tier import tree_of
from forge.run.pipeline import make_context
from forge.run.preparation import Ready
from harness.judge.judge import HARNESS_VERSION
from mirror.choice.rules import REASONS
from mirror.github.present_state import Pull
from mirror.undo.bugs import bug_of
from mirror.undo.fixes import Clone, Fix
from mirror.undo.undo import undo
from storage.clones import merge_base
from storage.histories import fetch_with_history
from storage.records import Bug, Verdict
from storage.source_names import parse


async def undo_at_head(stage: Stage, ready: Ready, pull: Pull) -> Guards:
    """Undo it, judge by the whole suite, and return what came of it. Raises BugfoundryError."""
    fix, clone = fix_of(stage, pull)
    if not fix.changes:
        return make_not_undone(pull, REASONS["no-source"])
    context = make_context(stage.settings(pull.head), ready, stage.trees, None)
    result = undo(
        fix,
        tree_of(ready.repository.tree, context, stage.trees),
        clone.find_homes(fix, context.files),
    )
    if not result.enough:
        return make_not_undone(pull, REASONS.get(result.reason, result.reason))
    bug = bug_of(ready.repository.tree, fix, result, context.files, context.modes, pull=pull.number)
    verdict = await judge_in_full(stage, ready, bug)
    return Guards(
        head=pull.head,
        commit=pull.head,
        merged=False,
        reason=verdict.reason,
        tests=verdict.fail_to_pass,
        others=len(verdict.pass_to_pass),
        spilled=len(verdict.spilled),
        undone=bug.origin.undone,
    )


def make_not_undone(pull: Pull, why: str) -> Guards:
    """Return what is known of one that could not be undone."""
    return Guards(head=pull.head, commit=pull.head, merged=False, judged=False, reason=why)


def fix_of(stage: Stage, pull: Pull) -> tuple[Fix, Clone]:
    """Read what it changes since it parted from the branch it goes into."""
    cloned = fetch_with_history(
        parse(f"{stage.url}@{pull.head}"),
        cache=stage.config.cache,
        trees=stage.trees,
        token=stage.tokens.lend(),
        github=stage.site,
    )
    clone = Clone(cloned.git_dir, pull.head)
    base = merge_base(cloned.git_dir, pull.base, pull.head)
    return clone.read_fix(base, pull.head), clone


async def judge_in_full(stage: Stage, ready: Ready, bug: Bug) -> Verdict:
    """Return the verdict of the whole suite on one bug, which is stored."""
    settings = stage.settings(ready.repository.commit, full=True)
    engine = engine_for(settings, ready, stage.trees, store=stage.store, reporter=stage.reporter)
    environment = ready.prepared.environment.id
    known = stage.store.verdict(bug.id, environment, HARNESS_VERSION, engine.mode)
    if known is not None:
        return known
    stage.store.add_bug(bug)

    async def one() -> AsyncGenerator[Bug, None]:
        yield bug

    stage.reporter.stage(f"{ready.repository.name}: judging")
    [verdict] = [found async for found in engine.judge(one())]
    stage.store.add_verdict(verdict)
    return verdict

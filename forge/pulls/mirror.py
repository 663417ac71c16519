"""The mirror as a source of bugs: pull requests that were crawled, undone on today's code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

from forge.pulls.attempts import Attempted, plan_merge, plan_model
from forge.pulls.candidates import PullSelection, is_settled
from forge.pulls.crawl import CrawlSettings, crawl_clone
from forge.pulls.feedback import describe_refusal
from forge.pulls.ledger import MirroringLedger, UndoTrial, list_issues
from forge.pulls.merge_tier import MergeTier
from forge.pulls.mirrored_tasks import MirroredTasks
from forge.pulls.model_tier import MODEL, ModelTier, make_case
from forge.pulls.outcomes import UNDONE, list_passed_over
from forge.run.context import Context, SourceCode
from forge.run.left_out import LeftOut
from forge.run.nouns import format_count
from forge.run.ordered_work import MANY, in_order
from forge.run.progress import Reporter
from forge.run.settings import Settings
from llm.client import Model
from llm.questions import Ask
from mirror.undo.bugs import bug_of
from mirror.undo.fixes import Clone, Fix
from mirror.undo.model_tier import UndoCase, plan_asks
from mirror.undo.results import Undo
from storage.errors import BugfoundryError
from storage.git import GitError
from storage.records import Bug, Mirroring, PullRequest, Repository, Task, Verdict
from storage.store import Store
from storage.trees import Trees


@dataclass(slots=True)
class PullRequestMirror:
    """Undoes the pull requests of one repository on one tree of it."""

    repository: Repository
    name: str
    """``owner/name`` under which its pull requests are kept."""
    clone: Clone
    store: Store
    trees: Trees
    model: Model | None = None
    tests: tuple[str, ...] = ()
    """Ids of the tests that pass on the unbroken code."""
    selection: PullSelection = field(default_factory=PullSelection)
    _ledger: MirroringLedger = field(init=False)
    _merge: MergeTier = field(init=False)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        tree = self.repository.tree
        self._ledger = MirroringLedger(self.name, tree, self.store.pulls)
        self._merge = MergeTier(tree, self.clone, self.trees)

    async def __call__(self, context: Context) -> AsyncGenerator[Bug, None]:
        """Propose a bug for each candidate that can be undone, the newest first.

        Where a model is asked in batches, as many are worked on at once as may be of use.
        """
        together = MANY if self.model is not None and self.model.waits_for_many else 1
        given = 0

        def useful() -> int:
            return together if context.max_bugs is None else min(together, context.max_bugs - given)

        def propose(pull: PullRequest) -> Awaitable[Bug | None]:
            return self._propose(pull, context)

        async with aclosing(in_order(self.candidates(), propose, useful)) as bugs:
            async for bug in bugs:
                # A fix that was taken back and made again is two pull requests, and one bug.
                if bug is not None and bug.id not in self._seen:
                    self._seen.add(bug.id)
                    given += 1
                    yield bug

    def candidates(self) -> Iterator[PullRequest]:
        """Yield the pull requests that were not left out, or those that were asked for."""
        for pull in self.store.pulls.all(self.name):
            known = self._ledger.find(pull)
            if self.selection.is_candidate(pull, known, partial(self._plan, pull)):
                yield pull

    def list_passed_over(self) -> tuple[LeftOut, ...]:
        """Return the pull requests of which no bug was made, by what became of them."""
        return list_passed_over(self.store.pulls, self.name, self.repository.tree)

    def foresee_undos(self, code: SourceCode) -> Iterator[tuple[bool, list[Ask]]]:
        """Yield for each candidate whether a merge undoes it, and what a model may be asked.

        Nothing is kept. What is not in the history here is passed over, as a run does.
        """
        for pull in self.candidates():
            known = self._ledger.find(pull)
            if known is not None and known.bug and self._is_done(pull, known):
                yield True, []
                continue
            try:
                fix = self.clone.read_fix(pull.base, pull.commit)
            except GitError:
                continue
            merged = self._merge.undo(fix, code)
            yield merged.enough, plan_asks(self._make_case(pull, fix, merged, None, code))

    def task(self, bug: Bug, verdict: Verdict, messages: Mapping[str, str] | None = None) -> Task:
        """Make the task of a mirrored bug: the issue's words, the fix's own tests hidden."""
        maker = MirroredTasks(
            repository=self.repository,
            name=self.name,
            pulls=self.store.pulls,
            clone=self.clone,
            trees=self.trees,
        )
        return maker.make(bug, verdict, messages)

    async def _propose(self, pull: PullRequest, context: Context) -> Bug | None:
        """Undo one pull request, unless an earlier run did; keep what came of it."""
        known = await self._recall(pull, context)
        if known is not None:
            return known
        try:
            fix = await asyncio.to_thread(self.clone.read_fix, pull.base, pull.commit)
        except GitError as error:
            self._ledger.keep_absent(pull, str(error))
            return None
        trial = await self._try(pull, fix, context)
        self._ledger.keep_trial(pull, trial)
        return trial.bug

    async def _recall(self, pull: PullRequest, context: Context) -> Bug | None:
        """Return what an earlier run made of it, unless a model may do what that did not."""
        outcome = self._ledger.find(pull)
        bug = self.store.bug(outcome.bug) if outcome is not None and outcome.bug else None
        if bug is None or self.model is None or context.judge is None:
            return bug
        if outcome is not None and is_settled(outcome, self._plan(pull)):
            return bug
        return bug if (await context.judge(bug)).valid else None

    async def _try(self, pull: PullRequest, fix: Fix, context: Context) -> UndoTrial:
        """Undo a fix: without a model, and where that does not do, with one."""
        merged = await self._merge.undo_beside(fix, context)
        trial = self._merge_trial(pull, fix, merged, context)
        if self.model is None or context.judge is None:
            return trial
        verdict = await context.judge(trial.bug) if trial.bug is not None else None
        if verdict is not None and verdict.valid:
            return trial
        return await self._ask(pull, trial, verdict, context)

    def _merge_trial(
        self, pull: PullRequest, fix: Fix, merged: Undo, context: Context
    ) -> UndoTrial:
        tree, files, modes = self.repository.tree, context.files, context.modes
        bug = None
        if merged.enough:
            bug = bug_of(tree, fix, merged, files, modes, pull=pull.number, tests=self.tests)
        return UndoTrial(
            fix=fix,
            merged=merged,
            bug=bug,
            outcome=UNDONE if bug is not None else merged.reason,
            attempted=plan_merge(pull.base),
        )

    async def _ask(
        self, pull: PullRequest, trial: UndoTrial, verdict: Verdict | None, context: Context
    ) -> UndoTrial:
        """Have the model do what the merge did not; where it cannot, the merge's bug stays."""
        assert self.model is not None
        tier = ModelTier(
            tree=self.repository.tree,
            clone=self.clone,
            trees=self.trees,
            model=self.model,
            tests=self.tests,
        )
        case = self._make_case(pull, trial.fix, trial.merged, verdict, context)
        bug, undoing = await tier.ask(pull, trial.fix, trial.merged, case, context)
        # An overloaded service or spent dollars settle nothing: a later run asks again.
        attempted = self._plan(pull) if undoing.final else None
        if bug is None:
            return replace(trial, detail=describe_refusal(undoing), attempted=attempted)
        return replace(trial, bug=bug, outcome=UNDONE, attempted=attempted)

    def _make_case(
        self, pull: PullRequest, fix: Fix, merged: Undo, verdict: Verdict | None, code: SourceCode
    ) -> UndoCase:
        issues = list_issues(self.store.pulls, pull)
        homes = self.clone.find_homes(fix, code.files)
        return make_case(fix, issues, homes, code, merged=merged, verdict=verdict)

    def _plan(self, pull: PullRequest) -> Attempted:
        """Return by what a pull request is tried now."""
        if self.model is None:
            return plan_merge(pull.base)
        return plan_model(pull.base, self.model.name, list_issues(self.store.pulls, pull))

    def _is_done(self, pull: PullRequest, known: Mirroring) -> bool:
        """Say whether a bug that is known stays as it is."""
        return known.tier == MODEL or is_settled(known, self._plan(pull))


async def make_mirror(
    settings: Settings,
    repository: Repository,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    model: Model | None = None,
    tests: tuple[str, ...] = (),
) -> PullRequestMirror | None:
    """Crawl what is new of the source's pull requests, and return what undoes them.

    None, and a note, where it has no history to mirror and mirroring is one strategy of several.
    Raises BugfoundryError where it is the only one.
    """
    if "mirror" not in settings.proposals.names:
        return None
    crawl = CrawlSettings(
        source=settings.source,
        cache=settings.cache,
        api_url=settings.github_url,
        token=settings.github_token,
        tokens=settings.github_tokens,
    )
    try:
        cloned, summary = await crawl_clone(crawl, store=store, reporter=reporter)
    except BugfoundryError as error:
        if settings.proposals.names == ("mirror",):
            raise
        reporter.note(f"{repository.name}: nothing is mirrored: {error}")
        return None
    if cloned.repository.root:
        store.add_repository(replace(repository, root=cloned.repository.root))
    pulls = format_count(summary.candidates, "pull request")
    reporter.stage(f"{summary.repository}: {pulls} to mirror")
    return PullRequestMirror(
        repository=repository,
        name=summary.repository,
        clone=Clone(cloned.git_dir, cloned.head),
        store=store,
        trees=trees,
        model=model,
        tests=tests,
        selection=PullSelection(only=settings.only_pulls, skip=settings.skip_pulls),
    )

"""The mirror as a source of bugs: pull requests that were crawled, undone on today's code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from forge.pulls.crawl import CANDIDATE, CrawlSettings, crawl_clone
from forge.pulls.feedback import feedback_of, source_diff, today_paths, told_of, tried
from forge.pulls.outcomes import UNDONE
from forge.run.context import Code, Context
from forge.run.ordered_work import MANY, in_order
from forge.run.progress import Reporter
from forge.run.settings import Settings
from llm.client import Model
from llm.questions import Ask
from mirror.undo.bugs import bug_of
from mirror.undo.fixes import Clone, Fix
from mirror.undo.model_tier import Case, Feedback, Undoing, foreseen, undo_by_model
from mirror.undo.share import share_undone
from mirror.undo.undo import RULES, Tree, Undo, undo
from storage.errors import BugfoundryError
from storage.git import GitError
from storage.records import (
    Bug,
    Issue,
    Mirroring,
    PullRequest,
    Repository,
    Task,
    Verdict,
    digest,
)
from storage.store import Store
from storage.trees import Trees
from tasks.hidden_tests import test_patch
from tasks.make import make_task
from tasks.mirrored import mirrored_statement

MODEL = "model"


@dataclass(slots=True)
class Mirror:
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
    only: frozenset[int] | None = None
    """Numbers of the pull requests to undo, though they be left out otherwise."""
    skip: frozenset[int] = frozenset()
    """Numbers of those that are not to be undone."""
    _tree: Tree | None = None
    _became: dict[str, Mirroring] | None = None
    _seen: set[str] = field(default_factory=set)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, context: Context) -> AsyncIterator[Bug]:
        """Propose a bug for each candidate that can be undone, the newest first.

        Where a model is asked in batches, as many are worked on at once as may be of use.
        """
        together = MANY if self.model is not None and self.model.waits_for_many else 1
        given = 0

        def useful() -> int:
            return together if context.max_bugs is None else min(together, context.max_bugs - given)

        def propose(pull: PullRequest) -> Awaitable[Bug | None]:
            return self._propose(pull, context)

        async with aclosing(in_order(self.candidates(), propose, useful)) as bugs:  # type: ignore[type-var]
            async for bug in bugs:
                if bug is not None and bug.id not in self._seen:
                    self._seen.add(bug.id)
                    given += 1
                    yield bug

    def candidates(self) -> Iterator[PullRequest]:
        """Yield the pull requests that were not left out, or those that were asked for."""
        outcomes = self._outcomes()
        for pull in self.store.pulls.all(self.name):
            if pull.number in self.skip:
                continue
            if self.only is not None:
                if pull.number in self.only:
                    yield pull
                continue
            known = outcomes.get(pull.commit)
            if known is not None and self._given_up(pull, known):
                continue
            if known is None or known.outcome in ("", CANDIDATE, UNDONE) or known.fix:
                yield pull

    def _given_up(self, pull: PullRequest, known: Mirroring) -> bool:
        """Say whether an earlier run tried all that can be tried now, and to no end."""
        if known.bug:
            return False
        if self.model is None:
            return known.tried.startswith(self._tried(pull))
        return self._settled(pull, known)

    def _settled(self, pull: PullRequest, known: Mirroring) -> bool:
        """Say whether this model tried, in vain."""
        return known.tried == self._tried(pull, self.model)

    def _tried(self, pull: PullRequest, model: Model | None = None) -> str:
        """Return what a pull request is tried by: rules, its base, the model and what it reads."""
        tried = f"{RULES} {pull.base} "
        if model is None:
            return tried
        texts = (text for issue in self.issues(pull) for text in (issue.title, issue.body))
        return f"{tried}{model.name} {digest(*texts)}"

    def _outcomes(self) -> dict[str, Mirroring]:
        """What became of each pull request on this tree, by commit; read once."""
        if self._became is None:
            found = self.store.pulls.outcomes(self.name, self.repository.tree)
            self._became = {outcome.commit: outcome for outcome in found}
        return self._became

    async def _propose(self, pull: PullRequest, context: Context) -> Bug | None:
        """Undo one pull request: without a model, and where that does not do, with one."""
        known = await self._known(pull, context)
        if known is not None:
            return known
        try:
            fix = await asyncio.to_thread(self.clone.fix, pull.base, pull.commit)
        except GitError as error:
            self._keep(pull, "not-merged-here", detail=str(error))
            return None
        async with self._alone:
            result = await asyncio.to_thread(self._undo, fix, context)
        bug = self._bug(fix, result, pull, context) if result.enough else None
        detail, by = "", self._tried(pull)
        if self.model is not None and context.judge is not None:
            verdict = await context.judge(bug) if bug is not None else None
            if verdict is None or not verdict.valid:
                asked, undoing = await self._ask(pull, fix, result, verdict, context)
                bug, detail = asked or bug, "" if asked else told_of(undoing)
                by = self._tried(pull, self.model) if undoing.final else ""
        outcome = UNDONE if bug is not None else result.reason
        self._keep(pull, outcome, undo=result, bug=bug, fix=fix, detail=detail, tried=by)
        return bug

    async def _known(self, pull: PullRequest, context: Context) -> Bug | None:
        """Return what an earlier run made of it, unless a model may do what that did not."""
        outcome = self._outcomes().get(pull.commit)
        bug = self.store.bug(outcome.bug) if outcome is not None and outcome.bug else None
        if bug is None or self.model is None or context.judge is None:
            return bug
        if outcome is not None and self._settled(pull, outcome):
            return bug
        return bug if (await context.judge(bug)).valid else None

    def _undo(self, fix: Fix, code: Code) -> Undo:
        if self._tree is None:
            self._tree = tree_of(self.repository.tree, code, self.trees)
        return undo(fix, self._tree, self.clone.homes(fix, code.files))

    def _bug(
        self, fix: Fix, result: Undo, pull: PullRequest, context: Context, tier: str = ""
    ) -> Bug:
        return bug_of(
            self.repository.tree,
            fix,
            result,
            context.files,
            context.modes,
            pull=pull.number,
            tier=tier,
            model=self.model.name if tier and self.model is not None else "",
        )

    async def _ask(
        self,
        pull: PullRequest,
        fix: Fix,
        result: Undo,
        verdict: Verdict | None,
        context: Context,
    ) -> tuple[Bug | None, Undoing]:
        """Have the model undo the fix; what it answers is judged like any bug.

        Returns the bug, or None, and what came of asking.
        """
        assert self.model is not None
        judge = context.judge
        assert judge is not None
        homes = self.clone.homes(fix, context.files)
        own = today_paths(fix.tests, self.trees.paths(self.repository.tree))
        bugs: list[Bug] = []

        def bug_from(changed: Mapping[str, bytes]) -> Bug:
            share = share_undone(fix.changes, homes, context.files, changed)
            made = Undo(files=changed, tier=None, undone=share, entities=result.entities)
            return self._bug(fix, made, pull, context, MODEL)

        async def feedback(changed: Mapping[str, bytes]) -> Feedback:
            bug = bug_from(changed)
            found = await judge(bug)
            bugs.append(bug)
            return feedback_of(found, own, self.tests)

        case = self._case(pull, fix, result, verdict, context)
        undoing = await undo_by_model(case, self.model.within(strategy="mirror"), feedback)
        return (bugs[-1] if undoing.undone else None), undoing

    def _case(
        self, pull: PullRequest, fix: Fix, result: Undo, verdict: Verdict | None, code: Code
    ) -> Case:
        """Return what the model is given of a fix."""
        homes = self.clone.homes(fix, code.files)
        paths = {home for change in fix.changes for home in homes.get(change.path, ())[:1]}
        return Case(
            diff=source_diff(fix),
            issues=tuple(self.issues(pull)),
            files={path: code.files[path] for path in sorted(paths)},
            tried=tried(result, verdict),
        )

    def foreseen(self, code: Code) -> Iterator[tuple[bool, list[Ask]]]:
        """Yield for each candidate whether a merge undoes it, and what a model may be asked.

        Nothing is kept. What is not in the history here is passed over, as a run does.
        """
        for pull in self.candidates():
            known = self._outcomes().get(pull.commit)
            if (
                known is not None
                and known.bug
                and (known.tier == MODEL or self._settled(pull, known))
            ):
                yield True, []
                continue
            try:
                fix = self.clone.fix(pull.base, pull.commit)
            except GitError:
                continue
            result = self._undo(fix, code)
            yield result.enough, foreseen(self._case(pull, fix, result, None, code))

    def _keep(
        self,
        pull: PullRequest,
        outcome: str,
        *,
        undo: Undo | None = None,
        bug: Bug | None = None,
        fix: Fix | None = None,
        detail: str = "",
        tried: str = "",
    ) -> None:
        mirroring = Mirroring(
            tree=self.repository.tree,
            repository=self.name,
            commit=pull.commit,
            outcome=outcome,
            detail=detail,
            tier=bug.origin.operator if bug is not None else "",
            undone=bug.origin.undone
            if bug is not None
            else (round(undo.undone, 3) if undo is not None else 0.0),
            bug=bug.id if bug is not None else "",
            fix=source_diff(fix) if fix is not None else "",
            tried=tried,
        )
        self.store.pulls.set_outcome(mirroring)
        self._outcomes()[pull.commit] = mirroring

    def issues(self, pull: PullRequest) -> list[Issue]:
        """Return the issues that a pull request closes and that serve to state its bug."""
        found = [
            self.store.pulls.issue(link.repository, link.number)
            for link in pull.closes
            if not {"late", "bot"} & set(link.marks)
        ]
        return [issue for issue in found if issue is not None and issue.fetched]

    def task(self, bug: Bug, verdict: Verdict, messages: Mapping[str, str] | None = None) -> Task:
        """Make the task of a mirrored bug: the issue's words, the fix's own tests hidden."""
        pull = self.store.pulls.get(self.name, bug.origin.commit)
        if pull is None:
            return make_task(self.repository, bug, verdict, messages=messages)
        diff = self.clone.run("diff", "--no-ext-diff", "--no-textconv", pull.base, pull.commit)
        told = mirrored_statement(
            pull,
            self.issues(pull),
            diff,
            name=self.repository.name,
            failing=verdict.fail_to_pass,
            messages=messages,
        )
        hidden = self._hidden(pull, verdict) if told.source == "issues" else ""
        return make_task(self.repository, bug, verdict, told=told, test_patch=hidden)

    def _hidden(self, pull: PullRequest, verdict: Verdict) -> str:
        """Return the patch that brings back the tests of the fix, which a solver does not see.

        Not where the statement is made of those tests.
        """
        tree = self.repository.tree
        files = today_paths(self.clone.fix(pull.base, pull.commit).tests, self.trees.paths(tree))
        return test_patch(lambda path: self.trees.read(tree, path), verdict.fail_to_pass, files)


async def make_mirror(
    settings: Settings,
    repository: Repository,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    model: Model | None = None,
    tests: tuple[str, ...] = (),
) -> Mirror | None:
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
    reporter.stage(f"{summary.repository}: {summary.candidates} pull requests to mirror")
    return Mirror(
        repository=repository,
        name=summary.repository,
        clone=Clone(cloned.git_dir, cloned.head),
        store=store,
        trees=trees,
        model=model,
        tests=tests,
        only=settings.only_pulls,
        skip=settings.skip_pulls,
    )


def tree_of(tree: str, code: Code, trees: Trees) -> Tree:
    """Return today's Python files, the source apart from the others."""
    others = [path for path in trees.paths(tree) if path.endswith(".py") and path not in code.files]
    return Tree(code.files, trees.read_all(tree, others))

"""The mirror as a source of bugs: pull requests that were crawled, undone on today's code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from bot.context import Context
from bot.crawling import CANDIDATE, CrawlSettings, crawl_clone
from bot.listed import UNDONE
from bot.preparing import Ready
from bot.progress import Reporter
from bot.settings import Settings
from llm.client import Model
from mirror.asking import Case, Feedback, Undoing, undo_by_model
from mirror.undoing.bugs import bug_of
from mirror.undoing.fixes import Clone, Fix, moved
from mirror.undoing.measuring import share_undone
from mirror.undoing.undo import Tree, Undo, undo
from storage.git import GitError
from storage.records import Bug, Issue, Mirroring, PullRequest, Repository, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.hiding import test_patch
from tasks.make import make_task
from tasks.mirrored import mirrored_statement

MODEL = "model"
SHOWN_REASON = 300


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
    _tree: Tree | None = None
    _became: dict[str, Mirroring] | None = None
    _seen: set[str] = field(default_factory=set)

    async def __call__(self, context: Context) -> AsyncIterator[Bug]:
        """Propose a bug for each candidate that can be undone, the newest first."""
        for pull in self.candidates():
            bug = await self._propose(pull, context)
            if bug is not None and bug.id not in self._seen:
                self._seen.add(bug.id)
                yield bug

    def candidates(self) -> Iterator[PullRequest]:
        """Yield the pull requests that were not left out."""
        outcomes = self._outcomes()
        for pull in self.store.pulls.all(self.name):
            known = outcomes.get(pull.commit)
            if known is None or known.outcome in ("", CANDIDATE, UNDONE) or known.fix:
                yield pull

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
        result = await asyncio.to_thread(self._undo, fix, context)
        bug = self._bug(fix, result, pull, context) if result.enough else None
        detail = ""
        if self.model is not None and context.judge is not None:
            verdict = await context.judge(bug) if bug is not None else None
            if verdict is None or not verdict.valid:
                asked, detail = await self._ask(pull, fix, result, verdict, context)
                bug = asked or bug
        outcome = UNDONE if bug is not None else result.reason
        self._keep(pull, outcome, undo=result, bug=bug, fix=fix, detail=detail)
        return bug

    async def _known(self, pull: PullRequest, context: Context) -> Bug | None:
        """Return what an earlier run made of it, unless a model may do what that did not."""
        outcome = self._outcomes().get(pull.commit)
        bug = self.store.bug(outcome.bug) if outcome is not None and outcome.bug else None
        if bug is None or self.model is None or context.judge is None:
            return bug
        return bug if (await context.judge(bug)).valid else None

    def _undo(self, fix: Fix, context: Context) -> Undo:
        if self._tree is None:
            self._tree = self._read_tree(context)
        return undo(fix, self._tree, self.clone.homes(fix, context.files))

    def _read_tree(self, context: Context) -> Tree:
        tree = self.repository.tree
        others = [
            path
            for path in self.trees.paths(tree)
            if path.endswith(".py") and path not in context.files
        ]
        return Tree(context.files, self.trees.read_all(tree, others))

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
        )

    async def _ask(
        self,
        pull: PullRequest,
        fix: Fix,
        result: Undo,
        verdict: Verdict | None,
        context: Context,
    ) -> tuple[Bug | None, str]:
        """Have the model undo the fix; what it answers is judged like any bug.

        Returns the bug, or None and why there is none.
        """
        assert self.model is not None
        judge = context.judge
        assert judge is not None
        homes = self.clone.homes(fix, context.files)
        paths = {home for change in fix.changes for home in homes.get(change.path, ())[:1]}
        files = {path: context.files[path] for path in sorted(paths)}
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

        case = Case(
            diff=source_diff(fix),
            issues=tuple(self.issues(pull)),
            files=files,
            tried=tried(result, verdict),
        )
        undoing = await undo_by_model(case, self.model.within(strategy="mirror"), feedback)
        return (bugs[-1], "") if undoing.undone else (None, told_of(undoing))

    def _keep(
        self,
        pull: PullRequest,
        outcome: str,
        *,
        undo: Undo | None = None,
        bug: Bug | None = None,
        fix: Fix | None = None,
        detail: str = "",
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


async def open_mirror(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    model: Model | None = None,
) -> Mirror:
    """Crawl what is new of a source's pull requests, and return what undoes them.

    Raises BugfoundryError where it has no history.
    """
    crawl = CrawlSettings(
        source=settings.source,
        cache=settings.cache,
        api_url=settings.github_url,
        token=settings.github_token,
    )
    cloned, summary = await crawl_clone(crawl, store=store, reporter=reporter)
    if cloned.repository.root:
        store.add_repository(replace(ready.repository, root=cloned.repository.root))
    reporter.stage(f"{summary.repository}: {summary.candidates} pull requests to mirror")
    return Mirror(
        repository=ready.repository,
        name=summary.repository,
        clone=Clone(cloned.git_dir, cloned.head),
        store=store,
        trees=trees,
        model=model,
        tests=ready.prepared.baseline.green,
    )


def today_paths(tests: tuple[str, ...], paths: Mapping[str, str]) -> frozenset[str]:
    """Return what the test files of a fix are called today, those that are still there."""
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(PurePosixPath(path).name, []).append(path)
    found = {path for path in tests if path in paths}
    for path in set(tests) - found:
        found |= set(moved(path, names)[:1])
    return frozenset(found)


def feedback_of(verdict: Verdict, own: frozenset[str], green: Collection[str] = ()) -> Feedback:
    """Turn a verdict into what the model is told: which of the fix's own tests see the bug.

    ``own`` are the files of those tests, ``green`` the tests that pass without the bug.
    """
    if verdict.valid:
        failed, passed = verdict.fail_to_pass, verdict.pass_to_pass
    else:
        failed, passed = (), tuple(green) if verdict.reason == "no-test-failed" else ()
    mine = [test for test in failed if test.partition("::")[0] in own]
    return Feedback(
        failed=tuple(mine or failed),
        passed=tuple(test for test in passed if test.partition("::")[0] in own),
        imports=verdict.reason != "breaks-everything",
        reason="" if verdict.valid else verdict.reason,
    )


def told_of(undoing: Undoing) -> str:
    """Say why the model undid nothing."""
    said = f"model: {undoing.reason} after {len(undoing.attempts)} answers"
    return f"{said}: {undoing.detail}"[:SHOWN_REASON] if undoing.detail else said


def tried(result: Undo, verdict: Verdict | None) -> str:
    """Say what came of undoing without a model."""
    if verdict is not None:
        return f"A merge undid {result.undone:.0%} of the fix; the verdict was {verdict.reason}."
    missed = "; ".join(sorted({f"{entity or 'module'}: {why}" for entity, why in result.missed}))
    return f"A merge could not undo it: {missed}" if missed else ""


def source_diff(fix: Fix) -> str:
    """Return the source part of a fix as a diff."""
    return "".join(unified_diff(change.path, change.before, change.fixed) for change in fix.changes)

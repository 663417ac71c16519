"""A small repository with fixes in its history, and an engine that reads instead of running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from forge.compose import task_maker
from forge.pulls.crawl import CrawlSettings, crawl_clone
from forge.pulls.mirror import PullRequestMirror
from forge.run.admission import Admission
from forge.run.context import Context, Source
from forge.run.pipeline import Assembly, PipelineRun, judge_all, without_statements
from forge.run.preparation import Ready
from forge.run.progress import Quiet
from forge.run.sources import chain_sources
from harness.judge.judge import HARNESS_VERSION
from llm.client import Model
from mirror.undo.fixes import Clone
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    Issue,
    Mirroring,
    Plan,
    PullRequest,
    Task,
    Verdict,
)
from storage.store import Store
from storage.trees import Trees
from syntax.patch_text import apply_patch
from syntax.paths import is_source_path
from tests.mirror.maker import SITE, Maker

SUMS = '''\
"""Sums of prices."""


def total(items):
    result = 0
    for item in items:
        result += item.price
    return result


def count(items):
    found = 0
    for item in items:
        found += 1
    return found
'''
SUMS_TESTS = """\
from shop.sums import count, total


def test_nothing():
    assert total([]) == count([]) == 0
"""
TOTAL = ("result += item.price\n", "result += item.price * item.count\n")
COUNT = ("found += 1\n", "found += item.count\n")
TEST_TOTAL = "\n\ndef test_total_of_many():\n    assert total([Item(2, 3)]) == 6\n"
TEST_COUNT = "\n\ndef test_count_of_many():\n    assert count([Item(2, 3)]) == 3\n"
FILE, TESTS = "shop/sums.py", "tests/test_sums.py"
NOTHING = f"{TESTS}::test_nothing"
TOTAL_OF_MANY = f"{TESTS}::test_total_of_many"
COUNT_OF_MANY = f"{TESTS}::test_count_of_many"
Edit = tuple[str, str]


class Shop:
    """The repository, written commit by commit."""

    def __init__(self, folder: Path) -> None:
        self.maker = Maker(folder)
        self.source, self.tests = SUMS, SUMS_TESTS
        self.maker.commit(
            "Add sums", {"shop/__init__.py": "", FILE: self.source, TESTS: self.tests}
        )

    def fix(self, message: str, edit: Edit, test: str) -> str:
        """Mend the source and add a test, as one squashed pull request."""
        assert edit[0] in self.source
        self.source = self.source.replace(*edit)
        self.tests += test
        return self.maker.commit(message, {FILE: self.source, TESTS: self.tests}, through=SITE)

    def fix_total(self) -> str:
        return self.fix("Fix the total (#3)\n\nFixes #2", TOTAL, TEST_TOTAL)

    def fix_count(self) -> str:
        return self.fix("Fix the count (#5)\n\nFixes #4", COUNT, TEST_COUNT)

    def age(self, *edits: Edit) -> None:
        """Change the source as time does."""
        for edit in edits:
            assert edit[0] in self.source
            self.source = self.source.replace(*edit)
        self.maker.commit("Tidy up", {FILE: self.source})


Sees = Callable[[Mapping[str, bytes | None]], tuple[str, ...]]


def sees(files: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Say which tests fail: those whose sum does not count."""
    text = (files[FILE] or b"").decode()
    head, _, tail = text.partition("def count")
    failed = []
    if "item.count" not in head and "count_of(" not in head:
        failed.append(TOTAL_OF_MANY)
    if "item.count" not in tail:
        failed.append(COUNT_OF_MANY)
    return tuple(failed)


@dataclass
class Engine:
    """Judges by reading: what fails already on the unbroken code is no test here."""

    read: Callable[[str], bytes | None]
    environment: str
    sees: Sees = sees
    mode: str = "full"
    judged: list[Bug] = field(default_factory=list)
    fails: Exception | None = None

    async def judge(self, bugs: AsyncIterator[Bug]) -> AsyncIterator[Verdict]:
        async for bug in bugs:
            if self.fails is not None:
                raise self.fails
            self.judged.append(bug)
            files = apply_patch(bug.patch, self.read)
            failed = tuple(t for t in self.sees(files) if t not in self.sees(self.all()))
            yield Verdict(
                bug=bug.id,
                environment=self.environment,
                harness=HARNESS_VERSION,
                mode=self.mode,
                reason="valid" if failed else "no-test-failed",
                fail_to_pass=failed,
                pass_to_pass=(NOTHING,) if failed else (),
            )

    def all(self) -> dict[str, bytes | None]:
        return {FILE: self.read(FILE)}


class Bench:
    """A crawled repository in a store, and the mirror of it in the pipeline."""

    def __init__(self, shop: Shop, folder: Path, store: Store) -> None:
        self.shop, self.store = shop, store
        self._folder = folder
        self.trees = Trees(folder / "cache")
        self.run = PipelineRun()

    async def crawl(self) -> Bench:
        """Crawl, and set up what judging needs."""
        settings = CrawlSettings(
            source=str(self.shop.maker.folder), cache=self._folder / "cache", way="history"
        )
        cloned, _ = await crawl_clone(settings, store=self.store, reporter=silent())
        self.name, self.repository = cloned.full_name, cloned.repository
        self.clone = Clone(cloned.git_dir, cloned.head)
        tree = self.repository.tree
        self.environment = Environment(
            tree=tree,
            plan=Plan(name="plain", python="3.11", install=()),
            sandbox="local",
            python="3.11.7",
            lock="",
            base="cpython",
            arch="x86_64",
            handle="env",
        )
        self.store.add_environment(self.environment)
        tests = tuple(
            BaselineTest(id=test, outcome="passed", seconds=0.1)
            for test in (NOTHING, TOTAL_OF_MANY, COUNT_OF_MANY)
        )
        self.store.add_baseline(
            Baseline(environment=self.environment.id, tests=tests, seconds=1.0, runs=2)
        )
        modes = self.trees.paths(tree)
        files = self.trees.read_all(tree, [path for path in modes if is_source_path(path)])
        self.context = Context(
            repository=self.repository,
            environment=self.environment,
            files=files,
            modes=modes,
            seed=0,
            max_bugs=None,
            operators=None,
            compiles=None,
        )
        self.engine = Engine(lambda path: self.trees.read_file(tree, path), self.environment.id)
        return self

    def mirror(self, model: Model | None = None) -> PullRequestMirror:
        return PullRequestMirror(
            repository=self.repository,
            name=self.name,
            clone=self.clone,
            store=self.store,
            trees=self.trees,
            model=model,
            tests=(NOTHING, TOTAL_OF_MANY, COUNT_OF_MANY),
        )

    async def judge(
        self,
        model: Model | None = None,
        *,
        source: Source | None = None,
        more_tests: tuple[str, ...] = (),
        **changed: Any,
    ) -> list[Task]:
        """Run the pipeline from the source on; returns the tasks."""
        self.run = PipelineRun()
        mirror = self.mirror(model)
        ready = cast("Ready", SimpleNamespace(repository=self.repository))
        assembly = Assembly(
            source=chain_sources([source or mirror]),
            engine=self.engine,
            make_task=task_maker(self.repository, mirror),
            write_statements=without_statements,
        )
        tree = self.repository.tree
        admission = Admission(
            read=lambda path: self.trees.read_file(tree, path),
            list_paths=lambda: frozenset(self.trees.paths(tree)),
            tests=(NOTHING, TOTAL_OF_MANY, COUNT_OF_MANY, *more_tests),
            lock="",
        )
        await judge_all(
            *(assembly, self.context, ready, admission),
            store=self.store,
            reporter=silent(),
            run=self.run,
        )
        return [self.store.task(task) for task in self.run.tasks]

    async def bugs(self, model: Model | None = None) -> list[Bug]:
        """What the mirror proposes by itself."""
        return [bug async for bug in self.mirror(model)(self.context)]

    def outcomes(self) -> dict[str, Mirroring]:
        """What became of the pull requests, by their title."""
        titles = {pull.commit: pull.title for pull in self.pulls()}
        found = self.store.pulls.outcomes(self.name, self.repository.tree)
        return {titles[outcome.commit]: outcome for outcome in found}

    def pulls(self) -> list[PullRequest]:
        return self.store.pulls.all(self.name)

    def tell(self, number: int, title: str, body: str) -> None:
        """Let the text of an issue be known."""
        issue = Issue(
            repository=self.name,
            number=number,
            title=title,
            body=body,
            author="ben",
            created="2020-01-01T00:00:00Z",
        )
        self.store.pulls.add((), [issue])

    def broken(self, bug: Bug) -> str:
        """The source with a bug in it."""
        files = apply_patch(bug.patch, lambda path: self.trees.read_file(bug.tree, path))
        assert list(files) == [FILE]
        return (files[FILE] or b"").decode()


def silent() -> Quiet:
    return Quiet(Console(file=StringIO()))


# The model. The merge finds nothing of the fix in this code.
REWRITTEN = (
    "    result = 0\n    for item in items:\n        result += item.price * item.count\n"
    "    return result\n",
    "    return sum(map(count_of(items), items))\n",
)
HARMLESS = (
    "    return sum(map(count_of(items), items))\n",
    "    return sum(map(count_of(items), [*items]))\n",
)
RIGHT = (
    "    return sum(map(count_of(items), items))\n",
    "    return sum(i.price for i in items)\n",
)


def edits(*changes: tuple[str, str], path: str = FILE) -> dict[str, Any]:
    found = [{"path": path, "find": find, "replace": new} for find, new in changes]
    return {"edits": found, "because": "it counts no more"}

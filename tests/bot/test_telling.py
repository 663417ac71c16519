"""Statements of a run: tests fail in a sandbox, a model writes, its script is run on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from forge.run.preparation import Ready
from forge.run.progress import Quiet
from forge.run.settings import ModelSettings, Settings
from forge.run.statements import NO_MODEL, issues_of, restore_statement, write_statements
from harness.detect.config import Overrides
from harness.environments.baseline import measure
from harness.environments.trials import PreparedEnvironment
from harness.judge.local_engine import LocalEngine
from harness.sandboxes.limits import SandboxLimits
from storage.records import (
    Bug,
    Environment,
    FileChange,
    Issue,
    Link,
    Origin,
    Plan,
    PullRequest,
    Repository,
    Task,
)
from storage.sources import COMMIT_MESSAGE
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.make import make_task
from tasks.statements import is_template
from tasks.voices import style_of
from tests.furniture.batches_api import BatchService, batches_api
from tests.furniture.messages_api import messages_api
from tests.furniture.models import batched, model
from tests.furniture.project import SOURCE, write_project
from tests.harness.failing import SOURCE as ON_THE_PATH
from tests.harness.plain import PlainBackend

WHERE = "src/shop/__init__.py"
TITLE = "clamp() gives the lower bound for values above the upper one"
BODY = "clamp(11, 0, 10) gives 0 here; I had expected 10, the nearest value in the bounds."
SHOP = "import sys\nsys.path.insert(0, 'src')\nfrom shop import clamp\n"
SCRIPT = SHOP + "print(clamp(11, 0, 10))"
NAME = "someone/shop"


def answer(script: str = "", body: str = BODY) -> dict[str, Any]:
    return {"title": TITLE, "body": body, "script": script}


@dataclass(kw_only=True)
class Bench:
    """A measured project, and tasks of it."""

    folder: Path
    ready: Ready
    trees: Trees
    store: Store
    engine: LocalEngine
    messages: dict[str, Any]

    def bug(self, style: str, gives: str) -> Bug:
        """A new bug whose statement gets a style."""
        tree = self.ready.repository.tree
        for number in range(1000):
            content = SOURCE.replace("return high", f"return {gives}  # {number}").encode()
            change = FileChange(path=WHERE, mode="100644", sha256=sha256(content).hexdigest())
            bug = Bug(
                tree=tree,
                patch=unified_diff(WHERE, SOURCE.encode(), content),
                changes=(change,),
                origin=Origin(strategy="procedural", operator="swap-names", path=WHERE),
            )
            found = style_of(bug.id, scripts=True).name == style
            if found and self.store.bug(bug.id) is None:
                return bug
        raise AssertionError(style)

    async def task(self, style: str, gives: str = "low") -> Task:
        """Have a new bug judged, and keep its task as the pipeline does."""
        bug = self.bug(style, gives)

        async def given() -> AsyncIterator[Bug]:
            yield bug

        self.store.add_bug(bug)
        async for verdict in self.engine.judge(given()):
            self.store.add_verdict(verdict)
        assert verdict.valid
        task = make_task(self.ready.repository, bug, verdict, messages=self.messages.get(bug.id))
        self.store.add_task(task)
        return task

    async def write(self, *tasks: Task, asked: Any, statements: str = "model") -> str:
        """Have statements written; return what was noted."""
        noted = StringIO()
        await write_statements(
            Settings(
                source="",
                cache=self.folder,
                model=ModelSettings(statements=statements),  # type: ignore[arg-type]
            ),
            self.ready,
            self.trees,
            store=self.store,
            engine=self.engine,
            model=asked,
            name=NAME,
            tasks=[task.id for task in tasks],
            messages=self.messages,
            reporter=Quiet(Console(file=noted, width=200)),
        )
        return noted.getvalue()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ready, Trees]:
    folder = tmp_path_factory.mktemp("telling")
    project = write_project(folder / "shop")
    trees = Trees(folder / "cache")
    tree = trees.snapshot(project)
    repository = Repository(
        owner="someone",
        name="shop",
        commit=trees.orphan_commit(tree, COMMIT_MESSAGE),
        tree=tree,
        source="./shop",
    )
    environment = Environment(
        tree=tree,
        plan=Plan(name="plain", python="3.11", install=(), pytest_args=ON_THE_PATH),
        sandbox="local",
        python="3.11",
        lock="",
        base="",
        arch="",
        handle="plain",
    )
    backend = PlainBackend(project, folder / "places")

    async def work() -> PreparedEnvironment:
        sandbox = await backend.start(environment, limits=SandboxLimits())
        try:
            baseline, coverage = await measure(sandbox, environment)
        finally:
            await sandbox.close()
        return PreparedEnvironment(environment=environment, baseline=baseline, coverage=coverage)

    prepared = asyncio.run(work())
    ready = Ready(repository=repository, backend=backend, prepared=prepared, overrides=Overrides())
    return folder, ready, trees


@pytest.fixture
def bench(measured: tuple[Path, Ready, Trees], tmp_path: Path) -> Iterator[Bench]:
    folder, ready, trees = measured
    messages: dict[str, Any] = {}
    with Store(tmp_path / "store.db") as store:
        store.add_repository(ready.repository)
        store.add_environment(ready.prepared.environment)
        store.add_baseline(ready.prepared.baseline)
        engine = LocalEngine(
            ready.backend,
            ready.prepared.environment,
            ready.prepared.baseline,
            workers=1,
            read=lambda path: trees.read_file(ready.repository.tree, path),
            limits=SandboxLimits(),
            coverage=ready.prepared.coverage,
            judged=1000,
            on_messages=messages.__setitem__,
        )
        yield Bench(
            folder=folder, ready=ready, trees=trees, store=store, engine=engine, messages=messages
        )


async def test_what_failing_tests_said_comes_with_the_verdict(bench: Bench) -> None:
    task = await bench.task("terse")
    (said,) = bench.messages[task.bug].values()
    assert "where 0 = clamp(11, 0, 10)" in said
    assert is_template(task.statement)
    assert (
        "    AssertionError: assert 0 == 10\n     +  where 0 = clamp(11, 0, 10)" in task.statement
    )
    assert "return low" not in task.statement


async def test_a_script_is_run_with_the_bug_and_without_it(bench: Bench) -> None:
    task = await bench.task("script")
    harmless = answer(SHOP + "print(clamp(5, 0, 10))")
    failing = answer(SHOP + "assert clamp(11, 0, 10) == 99")
    async with messages_api(harmless, failing, answer(SCRIPT)) as service:
        noted = await bench.write(task, asked=model(service))
    text = bench.store.task(task.id).statement
    assert "1 statement written" in noted
    assert text.startswith(f"# {TITLE}\n\n{BODY}\n\n```python\n{SCRIPT}\n```\n")
    assert text.endswith("```\n0\n```\n")
    assert "prints the same" in str(service.asked[1]["messages"])
    assert "has to succeed" in str(service.asked[2]["messages"])
    for secret in ("test_clamp", "test_shop", "return low", "return high", WHERE):
        assert not any(secret in str(each["messages"]) for each in service.asked)


async def test_where_nothing_is_known_any_more_the_tests_are_run_again(bench: Bench) -> None:
    task = await bench.task("terse")
    async with messages_api(answer()) as service:
        asked = model(service)
        await bench.write(task, asked=asked)
        first = bench.store.task(task.id).statement
        bench.messages.clear()
        bench.store.add_task(task)
        await bench.write(task, asked=asked)
    assert len(service.asked) == 1
    assert bench.store.task(task.id).statement == first == f"# {TITLE}\n\n{BODY}\n"


async def test_in_batches_all_statements_are_asked_for_together(bench: Bench) -> None:
    tasks = [await bench.task("terse", gives=f"{number}") for number in range(6)]

    async def end(service: BatchService) -> None:
        while sum(len(batch.requests) for batch in service.batches.values()) < len(tasks):
            await asyncio.sleep(0.01)
        for batch in service.batches.values():
            batch.looks = 0

    async with (
        batches_api(answer(), repeat=True, looks=1_000_000) as service,
        asyncio.timeout(300),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(end(service))
        noted = await bench.write(*tasks, asked=batched(service, bench.store))
    assert "6 statements written" in noted


async def test_what_is_written_is_not_asked_for_again(bench: Bench) -> None:
    task = await bench.task("question")
    async with messages_api(answer()) as service:
        await bench.write(task, asked=model(service))
        noted = await bench.write(task, asked=model(service))
    assert len(service.asked) == 1
    assert "0 statements written" in noted


async def test_the_template_stays_where_the_model_does_not_do_or_the_budget_ends(
    bench: Bench,
) -> None:
    tasks = [await bench.task(style) for style in ("terse", "question")]
    async with messages_api("I will not.", answer()) as service:
        noted = await bench.write(tasks[0], asked=model(service))
        assert "0 statements written; not: 1 model-refused" in noted
        noted = await bench.write(*tasks, asked=model(service, budget=0.0001))
    assert "0 statements written; not: 2 budget" in noted
    assert len(service.asked) == 1
    assert all(is_template(bench.store.task(task.id).statement) for task in tasks)


async def test_without_a_model_or_a_wish_nothing_is_written(bench: Bench) -> None:
    task = await bench.task("terse")
    assert NO_MODEL in await bench.write(task, asked=None)
    async with messages_api() as service:
        assert await bench.write(task, asked=model(service), statements="template") == ""
    assert bench.store.task(task.id) == task


async def test_a_better_statement_is_not_replaced_by_a_plain_one(bench: Bench) -> None:
    task = await bench.task("terse")
    plain = replace(task, statement=make_task_text(bench, task))
    assert restore_statement(bench.store, plain, reused=True).statement == task.statement
    assert restore_statement(bench.store, plain, reused=False).statement == plain.statement
    bench.store.add_task(replace(task, statement="Written.\n"))
    assert restore_statement(bench.store, plain, reused=False).statement == "Written.\n"
    issue = replace(task, statement="What an issue says.\n")
    assert restore_statement(bench.store, issue, reused=True) == issue
    other = replace(plain, id=f"{task.id}x")
    assert restore_statement(bench.store, other, reused=True) == other


def make_task_text(bench: Bench, task: Task) -> str:
    """The plain statement of one whose messages are not known."""
    bug = bench.store.bug(task.bug)
    (verdict,) = bench.store.verdicts(task.environment, bug=task.bug)
    assert bug is not None
    return make_task(bench.ready.repository, bug, verdict).statement


def test_samples_are_the_issues_that_pull_requests_name(bench: Bench) -> None:
    links = tuple(
        Link(repository=name, number=number, evidence="mention")
        for name, number in ((NAME, 7), ("other/shop", 8), (NAME, 9))
    )
    pull = PullRequest(repository=NAME, commit="a" * 40, base="b" * 40, number=1, links=links)
    issue = Issue(repository=NAME, number=7, title="Off", body="Text.", created="2024-01-01")
    bench.store.pulls.add([pull], [issue])
    assert issues_of(bench.store, NAME) == [issue]

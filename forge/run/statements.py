"""Have a model write the statements of tasks that have no real issue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from forge.run.nouns import format_count
from forge.run.ordered_work import MANY
from forge.run.parts import MachineEngine
from forge.run.preparation import Ready, cached_reader
from forge.run.progress import Reporter
from forge.run.settings import Settings
from harness.judge.judge import HARNESS_VERSION
from harness.judge.local_engine import MOST_MESSAGES
from harness.judge.scripts import ScriptRun, Scripts
from llm.client import Model
from storage.errors import PatchError, SandboxError, StoreError
from storage.records import Bug, Issue, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.patch_text import apply_patch
from tasks.model_statements import Unwritten, WrittenStatement, write_statement
from tasks.observed import observe
from tasks.statements import is_template
from tasks.voices import samples

AT_ONCE = 4
BUDGET = "budget"
NO_MODEL = "no language model is configured: statements are made of the failing tests"

Messages = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Telling:
    """Writes the statements of one repository's tasks; each is stored as soon as it is there."""

    ready: Ready
    trees: Trees
    store: Store
    engine: MachineEngine
    model: Model
    scripts: Scripts
    messages: Mapping[str, Messages]
    """By bug, what its failing tests said; where that is not known they are run again."""
    name: str
    """``owner/name`` under which its issues are kept."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """How many statements are ``written``, and why the others are not."""
    _samples: tuple[str, ...] | None = None
    _sandboxes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def write_all(self, tasks: Sequence[str]) -> None:
        """Write what is still made of failing tests, some side by side, within the budget.

        Where the model is asked in batches, all side by side: what is refused is asked once more
        in the next batch.
        """
        free = asyncio.Semaphore(MANY if self.model.waits_for_many else AT_ONCE)

        async def one(task: Task) -> None:
            async with free:
                reason = BUDGET if self.outcomes[BUDGET] else await self._write(task)
                self.outcomes[reason] += 1

        found = [self.store.task(task) for task in dict.fromkeys(tasks)]
        async with asyncio.TaskGroup() as group:
            for task in found:
                if is_template(task.statement):
                    group.create_task(one(task))

    async def _write(self, task: Task) -> str:
        """Write one; return ``written``, or why not."""
        bug = self.store.bug(task.bug)
        environment = self.ready.prepared.environment.id
        verdict = self.store.verdict(task.bug, environment, HARNESS_VERSION, self.engine.mode)
        if bug is None or verdict is None:
            return "not-judged"
        try:
            result = await self._ask_model(bug, verdict)
        except (PatchError, SandboxError):
            return "sandbox-broken"
        if isinstance(result, Unwritten):
            return result.reason
        self.store.add_task(replace(task, statement=result.statement))
        return "written"

    async def _ask_model(self, bug: Bug, verdict: Verdict) -> WrittenStatement | Unwritten:
        files = apply_patch(bug.patch, self._read_file)
        failing = verdict.fail_to_pass
        messages = self.messages.get(bug.id) or await self._rerun_tests(
            files, failing[:MOST_MESSAGES]
        )
        observed = observe(
            bug,
            failing,
            messages,
            name=self.ready.repository.name,
            read=self._read_file,
            samples=self._voices(),
        )

        async def run_in_sandbox(script: str, broken: bool) -> ScriptRun:
            return await self.scripts.run_script(files if broken else {}, script)

        model = self.model.within(repository=self.name, strategy=bug.origin.strategy)
        return await write_statement(model, observed, run=run_in_sandbox)

    async def _rerun_tests(
        self, files: Mapping[str, bytes | None], tests: Sequence[str]
    ) -> dict[str, str]:
        """Run failing tests again for what they say, each bug's in a sandbox of its own."""
        async with self._sandboxes:
            return await self.engine.messages(files, tests)

    def _read_file(self, path: str) -> bytes | None:
        return self.trees.read_file(self.ready.repository.tree, path)

    def _voices(self) -> tuple[str, ...]:
        if self._samples is None:
            self._samples = samples(issues_of(self.store, self.name))
        return self._samples

    def describe_outcomes(self) -> str:
        """Say what came of it."""
        rest = ", ".join(f"{n} {why}" for why, n in self.outcomes.most_common() if why != "written")
        written = format_count(self.outcomes["written"], "statement")
        return f"{written} written" + (f"; not: {rest}" if rest else "")


async def write_statements(
    settings: Settings,
    ready: Ready,
    trees: Trees,
    *,
    store: Store,
    engine: MachineEngine,
    model: Model | None,
    name: str,
    tasks: Sequence[str],
    messages: Mapping[str, Messages],
    reporter: Reporter,
) -> None:
    """Have the statements of tasks written, where that is wanted and a model is configured."""
    if settings.model.statements != "model":
        return
    if model is None:
        reporter.note(f"{ready.repository.name}: {NO_MODEL}")
        return
    reporter.stage(f"{ready.repository.name}: writing statements")
    scripts = Scripts(
        ready.backend,
        ready.prepared.environment,
        settings.limits,
        read=cached_reader(trees, ready.repository.tree),
    )
    telling = Telling(
        ready=ready,
        trees=trees,
        store=store,
        engine=engine,
        model=model,
        scripts=scripts,
        messages=messages,
        name=name,
    )
    try:
        await telling.write_all(tasks)
    finally:
        await scripts.close()
    reporter.note(f"{ready.repository.name}: {telling.describe_outcomes()}")


def issues_of(store: Store, name: str) -> list[Issue]:
    """Return the issues of a repository that its pull requests name, as far as they are known."""
    numbers = {
        link.number
        for pull in store.pulls.all(name)
        for link in pull.links
        if link.repository == name
    }
    found = (store.pulls.issue(name, number) for number in sorted(numbers))
    return [issue for issue in found if issue is not None]


def restore_statement(store: Store, task: Task, *, reused: bool) -> Task:
    """Return a task with the statement it has in the store, where that is the better one.

    What somebody wrote is not replaced by a plain one; nor is, when the verdict was ``reused``,
    one that still knew what the tests said.
    """
    if not is_template(task.statement):
        return task
    try:
        known = store.task(task.id)
    except StoreError:
        return task
    if known.id == task.id and (reused or not is_template(known.statement)):
        return replace(task, statement=known.statement)
    return task

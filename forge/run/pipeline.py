"""The flow: a source proposes bugs, an engine judges them, what is valid becomes a task.

Everything is stored as soon as it is known and found again under the same key, so a run that
was killed goes on where it was. The same pipeline serves the command line, the service and
an Actions job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from forge.run.admission import Admission
from forge.run.context import Compiles, Context, Engine, Source, Verified
from forge.run.left_out import LeftOut, list_left_out
from forge.run.preparation import Ready
from forge.run.progress import Reporter
from forge.run.proposals import Proposals
from forge.run.settings import Settings
from forge.run.statements import restore_statement
from forge.run.summary import Summary, Tally
from harness.judge.compilation import open_compiler
from harness.judge.judge import HARNESS_VERSION
from mutators.transcription import transcribe
from storage.errors import BugfoundryError
from storage.folder_files import LINK
from storage.records import Bug, Task, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path

Messages = Mapping[str, str]
MakeTask = Callable[[Bug, Verdict, Messages | None], Task]
"""Make the task of a valid bug; what its failing tests said is None where nobody asked."""
WriteStatements = Callable[[Sequence[str], Mapping[str, Messages]], Awaitable[None]]
"""Write the statements of tasks, given by bug what the failing tests said."""


@dataclass(slots=True)
class PipelineRun:
    """What one run has seen so far."""

    waiting: dict[str, Bug] = field(default_factory=dict)
    """Bugs without a verdict: those that have one are in the store, and no longer in memory."""
    proposed: set[str] = field(default_factory=set)
    """Ids of all bugs so far: one is judged once, however often it is come upon."""
    tally: Tally = field(default_factory=Tally)
    tasks: list[str] = field(default_factory=list)
    messages: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """By valid bug, what its failing tests said; kept no longer than needed."""
    recalls: bool = False
    """Whether the messages are needed once all is judged."""
    reused: int = 0


async def without_statements(tasks: Sequence[str], messages: Mapping[str, Messages]) -> None:
    """Leave statements as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What one run goes through: a source, an engine, and what makes tasks of valid bugs."""

    source: Source
    engine: Engine
    make_task: MakeTask
    write_statements: WriteStatements
    list_passed_over: Callable[[], tuple[LeftOut, ...]] = tuple
    """What the source passed over, asked for at the end."""


async def forge_by(
    assembly: Assembly,
    ready: Ready,
    settings: Settings,
    trees: Trees,
    *,
    store: Store,
    reporter: Reporter,
    run: PipelineRun,
) -> Summary:
    """Make verified bugs in an environment, and return what came of it. Raises BugfoundryError."""
    started = time.monotonic()
    async with open_compiler(ready.backend, ready.prepared.environment) as compiles:
        context = await read_context(settings, ready, trees, compiles)
        admission = Admission.of(ready, trees)
        await judge_all(
            assembly, context, ready, admission, store=store, reporter=reporter, run=run
        )
        await assembly.write_statements(run.tasks, run.messages)
    seconds = time.monotonic() - started
    screened = tuple(assembly.engine.screened.most_common())
    left_out = (*list_left_out(context, ready, trees), *assembly.list_passed_over())
    return summarise(ready, run, screened=screened, seconds=seconds, left_out=left_out)


def make_context(
    settings: Settings, ready: Ready, trees: Trees, compiles: Compiles | None
) -> Context:
    """Gather what sources may know: the source files, tests and excluded paths left out."""
    tree = ready.repository.tree
    modes = trees.paths(tree)
    wanted = [
        path
        for path, mode in modes.items()
        if mode != LINK and is_source_path(path) and not ready.overrides.excludes(path)
    ]
    files = trees.read_all(tree, wanted)
    if not files:
        raise BugfoundryError(
            f"{ready.repository.key}: no Python source files to change were found; tests, "
            "documentation and build scripts are left alone"
        )
    return Context(
        repository=ready.repository,
        environment=ready.prepared.environment,
        files=files,
        modes={path: modes[path] for path in files},
        seed=settings.proposals.seed,
        max_bugs=settings.proposals.max_bugs,
        operators=settings.proposals.operators,
        profile=settings.profile,
        compiles=compiles,
        tests=ready.prepared.baseline.green,
    )


async def read_context(
    settings: Settings, ready: Ready, trees: Trees, compiles: Compiles | None
) -> Context:
    """Gather what sources may know, the files read in the encodings they declare."""
    context = make_context(settings, ready, trees, compiles)
    return replace(context, transcription=await asyncio.to_thread(transcribe, context.files))


async def judge_all(
    assembly: Assembly,
    context: Context,
    ready: Ready,
    admission: Admission,
    *,
    store: Store,
    reporter: Reporter,
    run: PipelineRun,
) -> None:
    """Judge what the source proposes, leaving out what an earlier run has judged."""
    book = Book(
        assembly=assembly,
        context=context,
        admission=admission,
        name=ready.repository.name,
        store=store,
        run=run,
    )
    proposals = Proposals(assembly.source, context, book.find_verdict, book.list_verified)
    reporter.stage(f"{book.name}: judging")
    async with (
        aclosing(book.fresh_bugs(proposals, reporter)) as bugs,
        aclosing(assembly.engine.judge(bugs)) as verdicts,
    ):
        async for verdict in verdicts:
            store.add_verdict(verdict)
            bug = book.settle(verdict)
            if bug.id in run.proposed:
                book.keep(bug, verdict, reporter)
            proposals.deliver_verdict(verdict)


class Book:
    """What is known of the bugs of one run while they are judged: each is judged once."""

    def __init__(
        self,
        *,
        assembly: Assembly,
        context: Context,
        admission: Admission,
        name: str,
        store: Store,
        run: PipelineRun,
    ) -> None:
        self.name = name
        self._admission = admission
        self._assembly = assembly
        self._store = store
        self._run = run
        self._environment = context.environment.id
        self._most = context.max_bugs
        self._known = store.list_judged_bugs(
            self._environment, HARNESS_VERSION, assembly.engine.mode
        )
        self._judged: set[str] = set()
        """Bugs that got their verdict in this run."""

    def find_verdict(self, bug: Bug) -> Verdict | None:
        """Return the verdict that is stored, of this run or an earlier one."""
        if bug.id not in self._known:
            return None
        mode = self._assembly.engine.mode
        return self._store.verdict(bug.id, self._environment, HARNESS_VERSION, mode)

    def list_verified(self) -> list[Verified]:
        """Return all valid bugs of the environment, with their verdicts."""
        mode = self._assembly.engine.mode
        verdicts = self._store.verdicts(self._environment, HARNESS_VERSION, mode)
        found = ((self._store.bug(v.bug), v) for v in verdicts if v.valid)
        return [(bug, verdict) for bug, verdict in found if bug is not None]

    async def fresh_bugs(
        self, proposals: Proposals, reporter: Reporter
    ) -> AsyncGenerator[Bug, None]:
        """Yield the bugs that have no verdict, and keep what the others came to."""
        async with aclosing(proposals.bugs()) as proposed:
            async for proposal in proposed:
                bug = proposal.bug
                is_new = self._propose(bug) if not proposal.asked else False
                verdict = self.find_verdict(bug)
                if bug.id in self._run.waiting:
                    continue
                if verdict is None:
                    verdict = self._refuse_bug(bug)
                if verdict is None:
                    self._store.add_bug(bug)
                    self._run.waiting[bug.id] = bug
                    yield bug
                    continue
                proposals.deliver_verdict(verdict)
                if is_new:
                    self._store.add_bug(bug)
                    is_reused = bug.id not in self._judged
                    self._run.reused += is_reused
                    self.keep(bug, verdict, reporter, reused=is_reused)

    def _refuse_bug(self, bug: Bug) -> Verdict | None:
        """Keep the verdict on a bug whose known fix could not be handed in; None for others."""
        verdict = self._admission.refuse(bug, self._environment, self._assembly.engine.mode)
        if verdict is None:
            return None
        self._store.add_bug(bug)
        self._store.add_verdict(verdict)
        self._known.add(bug.id)
        self._judged.add(bug.id)
        return verdict

    def _propose(self, bug: Bug) -> bool:
        """Count a bug that was proposed, once; say whether it is new to this run."""
        if bug.id in self._run.proposed:
            return False
        self._run.proposed.add(bug.id)
        self._run.tally.propose(bug)
        return True

    def settle(self, verdict: Verdict) -> Bug:
        """Take note of a new verdict, and return its bug, which waits no longer."""
        self._known.add(verdict.bug)
        self._judged.add(verdict.bug)
        return self._run.waiting.pop(verdict.bug)

    def keep(self, bug: Bug, verdict: Verdict, reporter: Reporter, *, reused: bool = False) -> None:
        """Count a verdict; a valid bug becomes a task, which is stored."""
        run = self._run
        run.tally.judge(bug, verdict)
        if verdict.valid:
            said = run.messages.pop(bug.id, None)
            if run.recalls and said:
                run.messages[bug.id] = said
            task = self._assembly.make_task(bug, verdict, said)
            self._store.add_task(restore_statement(self._store, task, reused=reused))
            run.tasks.append(task.id)
        text = f"{self.name}: judging, {len(run.tasks)} valid"
        reporter.count(run.tally.judged, self._most or run.tally.proposed, text)


def summarise(
    ready: Ready,
    run: PipelineRun,
    *,
    screened: tuple[tuple[str, int], ...],
    seconds: float,
    left_out: tuple[LeftOut, ...] = (),
) -> Summary:
    """Count what the run came to."""
    environment, baseline = ready.prepared.environment, ready.prepared.baseline
    return Summary(
        repository=ready.repository.key,
        sandbox=environment.sandbox,
        python=environment.python,
        plan=environment.plan.name,
        tests=len(baseline.tests),
        tests_green=len(baseline.green),
        rows=run.tally.rows(),
        reasons=run.tally.reasons(),
        screened=screened,
        reused=run.reused,
        tasks=tuple(sorted(run.tasks)),
        seconds=round(seconds, 2),
        spilled=run.tally.spilled,
        left_out=left_out,
    )

"""A place where batches are judged: a repository on this disk, and the executor of workflows.

The workflow is that of a mirror.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from forge.remote.actions.mirror_files import FILE, WORKFLOWS, workflow
from forge.remote.actions.place import RunJob, RunState
from forge.remote.actions.shipment import ship, unship
from forge.remote.batch.artifacts import Artifact, read_archive
from storage.trees import Trees
from tests.furniture.actions.runs import Dispatch, Run, RunResult

Change = Callable[[int, dict[str, bytes]], dict[str, bytes]]


@dataclass(kw_only=True)
class Started:
    """A run of the executor in a thread of its own."""

    run: Run
    thread: threading.Thread
    address: str
    result: list[RunResult] = field(default_factory=list)
    error: list[BaseException] = field(default_factory=list)


class ExecutorPlace:
    """Puts batches into a repository as commits, and runs the workflow ``validate`` on them.

    ``change`` is given the number of a run, from 1, and its artifacts, before they are fetched;
    ``begun`` is given each run that is started.
    """

    name = "executor"

    def __init__(
        self,
        dispatch: Dispatch,
        trees: Trees,
        *,
        change: Change = lambda number, archives: archives,
        begun: Callable[[int, Run], None] = lambda number, run: None,
    ) -> None:
        self._dispatch = dispatch
        self._trees = trees
        self._change = change
        self._begun = begun
        self._numbers = itertools.count(1)
        self.runs: dict[str, Started] = {}

    async def upload_batch(self, folder: Path, plan: str) -> str:
        return await asyncio.to_thread(
            ship, folder, plan, str(self._dispatch.code), trees=self._trees
        )

    async def find(self, address: str, plan: str) -> str | None:
        found = (name for name, each in self.runs.items() if each.address == address)
        return next(found, None)

    async def dispatch(self, address: str, plan: str) -> str:
        number = next(self._numbers)
        name = str(number)
        dispatch = replace(
            self._dispatch,
            inputs={**self._dispatch.inputs, "batch": address, "code": self._dispatch.sha},
            root=self._dispatch.root / name,
            actions=self._dispatch.actions or self._dispatch.root / "actions",
            workflow=FILE,
            caller=self._mirror(),
        )
        run = Run(dispatch, run_id=number)

        def work() -> None:
            try:
                started.result.append(run.execute())
            except BaseException as error:
                started.error.append(error)

        started = Started(run=run, thread=threading.Thread(target=work), address=address)
        self.runs[name] = started
        started.thread.start()
        self._begun(number, run)
        return name

    async def remove(self, plan: str) -> None:
        await asyncio.to_thread(unship, plan, str(self._dispatch.code), trees=self._trees)

    def _mirror(self) -> Path:
        """Return a checkout of the mirror, as far as GitHub needs it to dispatch."""
        caller = self._dispatch.root / "mirror"
        file = caller / WORKFLOWS / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(workflow(f"{self._dispatch.tool_name}@{'0' * 40}"))
        return caller

    async def state(self, run: str) -> RunState:
        started = self.runs[run]
        if started.error:
            raise started.error[0]
        if not started.result:
            return RunState(ended=False)
        (result,) = started.result
        jobs = tuple(
            RunJob(name=name, conclusion=state, seconds=result.seconds.get(name, 0.0))
            for name, state in result.jobs.items()
        )
        return RunState(ended=True, conclusion=result.conclusion, url=f"run {run}", jobs=jobs)

    async def artifacts(self, run: str) -> AsyncGenerator[Artifact, None]:
        archives = self._change(int(run), dict(self.runs[run].run.artifacts.archives))
        for name, data in sorted(archives.items()):
            if name.startswith(("verdicts-", "batch-2")):
                for artifact in read_archive(data, name):
                    yield artifact

"""A run of a workflow: jobs in the order of their needs, matrices, called workflows, results."""

from __future__ import annotations

import itertools
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.furniture.actions import expressions
from tests.furniture.actions.artifacts import Artifacts
from tests.furniture.actions.machines import Hook, Lost, Machine, World
from tests.furniture.actions.workflows import (
    Document,
    WorkflowError,
    inputs_of,
    needs_of,
    permissions_of,
    read_workflow,
)

MOST_JOBS = 256
FULL: Mapping[str, str] = dict.fromkeys(
    ("actions", "contents", "id-token", "issues", "packages", "pull-requests"), "write"
)
"""What the token of a dispatched run may have at most."""


def ignore(machine: Machine, command: str, process: subprocess.Popen[bytes]) -> None:
    """Nothing is done to a process that was started."""


@dataclass(kw_only=True)
class Dispatch:
    """What is run, of what, and where."""

    tool: Path
    """The checkout that holds the workflows and actions of bugfoundry."""
    workflow: str
    """File name in ``.github/workflows``."""
    inputs: Mapping[str, Any]
    code: Path | str
    """Repository that the run is of."""
    sha: str
    root: Path
    """Folder for the machines; to be empty."""
    repository: str = "owner/name"
    event: str = "workflow_dispatch"
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of every machine, as a person sets them on a machine of their own."""
    api_url: str = "http://127.0.0.1:9"
    caller: Path | None = None
    """The checkout whose workflow is dispatched, where that is another repository's."""
    tool_name: str = "somebody/bugfoundry"
    """What the tool's repository is called by others."""
    actions: Path | None = None
    """Where the tool's repository is laid for machines of several runs; in ``root`` if not said."""
    token: str = ""
    """The jobs' token, where the repository is on a GitHub that knows it."""
    at_once: int = 2
    started: Hook = ignore


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What came of one job."""

    result: str
    """``success``, ``failure``, ``cancelled`` or ``skipped``."""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class RunResult:
    """What came of a run."""

    conclusion: str
    jobs: Mapping[str, str]
    """Conclusion of each job by its full name, those of called workflows and matrices too."""
    artifacts: Artifacts
    logs: Mapping[str, list[str]]
    seconds: Mapping[str, float]
    """How long each job took that had a machine."""
    logins: list[tuple[str, str]]

    def log(self, job: str) -> str:
        """Return what a job printed."""
        return "\n".join(self.logs[job])


class Run:
    """One run. It can be cancelled from another thread."""

    def __init__(self, dispatch: Dispatch, *, run_id: int = 1, attempt: int = 1) -> None:
        self._dispatch = dispatch
        self._cancelled = threading.Event()
        self.artifacts = Artifacts()
        self.jobs: dict[str, str] = {}
        self.logs: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(dispatch.at_once)
        self._world = World(
            tool=dispatch.tool,
            tool_name=dispatch.tool_name,
            code=str(dispatch.code),
            artifacts=self.artifacts,
            root=dispatch.root,
            actions=dispatch.actions or dispatch.root / "actions",
            env=dispatch.env,
            cancelled=self._cancelled.is_set,
            started=dispatch.started,
            github={
                "actor": "somebody",
                "api_url": dispatch.api_url,
                "event_name": dispatch.event,
                "ref": "refs/heads/main",
                "repository": dispatch.repository,
                "run_attempt": str(attempt),
                "run_id": str(run_id),
                "sha": dispatch.sha,
            },
        )

    def cancel(self) -> None:
        """Cancel: running steps are told to end, and only what runs always is run."""
        self._cancelled.set()

    def execute(self) -> RunResult:
        """Run it to its end. Raises WorkflowError where GitHub would refuse the workflow."""
        checkout = self._dispatch.caller or self._dispatch.tool
        path = checkout / ".github" / "workflows" / self._dispatch.workflow
        workflow = read_workflow(path)
        event = self._dispatch.event
        inputs = inputs_of(workflow, event, self._dispatch.inputs, path.name)
        results = self._run_workflow(workflow, inputs, FULL, "", path)
        return RunResult(
            conclusion=conclusion(results.values(), self._cancelled.is_set()),
            jobs=self.jobs,
            artifacts=self.artifacts,
            logs=self.logs,
            seconds=self.seconds,
            logins=self._world.registries,
        )

    def _run_workflow(
        self, workflow: Document, inputs: Document, allowed: Document, prefix: str, path: Path
    ) -> dict[str, JobResult]:
        """Run the jobs, each when those that it needs have ended."""
        results: dict[str, JobResult] = {}
        running: dict[Future[JobResult], str] = {}
        jobs: Document = workflow["jobs"]
        with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
            while len(results) < len(jobs):
                for name, job in jobs.items():
                    ready = all(need in results for need in needs_of(job))
                    if ready and name not in results and name not in running.values():
                        needs = {need: results[need] for need in needs_of(job)}
                        args = workflow, name, inputs, needs, allowed, prefix, path
                        running[pool.submit(self._run_job, *args)] = name
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    results[running.pop(done)] = done.result()
        return results

    def _run_job(
        self,
        workflow: Document,
        name: str,
        inputs: Document,
        needs: Mapping[str, JobResult],
        allowed: Document,
        prefix: str,
        path: Path,
    ) -> JobResult:
        job = workflow["jobs"][name]
        contexts = self._contexts(workflow, inputs, needs)
        if not expressions.condition(job.get("if"), contexts, self._functions(needs)):
            cancelled = self._cancelled.is_set()
            self.jobs[prefix + name] = "cancelled" if cancelled else "skipped"
            return JobResult(result=self.jobs[prefix + name])
        permissions = permissions_of(workflow, job, allowed)
        rows = matrix_of(job, contexts)
        with ThreadPoolExecutor(max_workers=max(1, len(rows))) as pool:
            futures = [
                pool.submit(self._run_row, job, name, row, contexts, permissions, prefix, path)
                for row in rows
            ]
            results = [future.result() for future in futures]
        outputs: dict[str, str] = {}
        for result in results:
            outputs.update({key: value for key, value in result.outputs.items() if value})
        return JobResult(result=conclusion(results, self._cancelled.is_set()), outputs=outputs)

    def _run_row(
        self,
        job: Document,
        name: str,
        row: Document,
        contexts: Document,
        permissions: dict[str, str],
        prefix: str,
        path: Path,
    ) -> JobResult:
        contexts = {**contexts, "matrix": row}
        title = expressions.as_text(expressions.render(job.get("name", name), contexts))
        full = prefix + (
            f"{title} ({', '.join(map(str, row.values()))})" if row and title == name else title
        )
        if "uses" in job:
            return self._call(job, contexts, permissions, full)
        with self._slots:
            return self._run_steps(job, full, contexts, permissions)

    def _call(
        self, job: Document, contexts: Document, permissions: dict[str, str], full: str
    ) -> JobResult:
        """Run a called workflow: its jobs may no more than the one that calls."""
        path = self._called(job["uses"])
        workflow = read_workflow(path)
        given = expressions.render(job.get("with") or {}, contexts)
        inputs = inputs_of(workflow, "workflow_call", given, path.name)
        results = self._run_workflow(workflow, inputs, permissions, f"{full} / ", path)
        declared = (workflow["on"]["workflow_call"] or {}).get("outputs") or {}
        inner = {
            "jobs": {
                name: {"outputs": each.outputs, "result": each.result}
                for name, each in results.items()
            }
        }
        outputs = {
            name: expressions.as_text(expressions.render(about["value"], inner))
            for name, about in declared.items()
        }
        result = conclusion(results.values(), self._cancelled.is_set())
        self.jobs[full] = result
        return JobResult(result=result, outputs=outputs)

    def _called(self, uses: str) -> Path:
        """Return the file of a called workflow: bugfoundry's own, by whoever it is called."""
        tool = f"{self._dispatch.tool_name}/"
        place, at, commit = uses.partition("@")
        if uses.startswith("$/"):
            return self._dispatch.tool / uses[2:]
        if uses.startswith(tool) and at and re.fullmatch("[0-9a-f]{40}", commit):
            return self._dispatch.tool / place.removeprefix(tool)
        raise WorkflowError(f"{uses}: only bugfoundry's own workflows can be called here")

    def _run_steps(
        self, job: Document, full: str, contexts: Document, permissions: dict[str, str]
    ) -> JobResult:
        if self._cancelled.is_set():
            self.jobs[full] = "cancelled"
            return JobResult(result="cancelled")
        with self._lock:
            folder = self._world.root / f"machine-{next(self._numbers)}"
        machine = Machine(world=self._world, job=full, permissions=permissions, folder=folder)
        machine.token = self._dispatch.token or machine.token
        self.logs[full] = machine.log
        contexts = {
            **contexts,
            "github": {**contexts["github"], "token": machine.token},
            "job": {"status": "success"},
            "runner": {"os": "Linux", "temp": str(machine.temp)},
            "steps": machine.steps,
        }
        machine.env.update(
            {
                key: expressions.as_text(expressions.render(value, contexts))
                for key, value in (job.get("env") or {}).items()
            }
        )
        started = time.monotonic()
        try:
            machine.run_steps(job["steps"], contexts)
        except Lost:
            machine.say("!! the machine is lost")
            self.jobs[full] = "failure"
            return JobResult(result="failure")
        finally:
            self.seconds[full] = time.monotonic() - started
        result = "failure" if machine.failed else "success"
        self.jobs[full] = "cancelled" if self._cancelled.is_set() else result
        outputs = {
            key: expressions.as_text(expressions.render(value, contexts))
            for key, value in (job.get("outputs") or {}).items()
        }
        return JobResult(result=self.jobs[full], outputs=outputs)

    def _contexts(
        self, workflow: Document, inputs: Document, needs: Mapping[str, JobResult]
    ) -> dict[str, Any]:
        return {
            "env": dict(workflow.get("env") or {}),
            "github": dict(self._world.github),
            "inputs": inputs,
            "matrix": {},
            "needs": {
                name: {"result": each.result, "outputs": each.outputs}
                for name, each in needs.items()
            },
        }

    def _functions(self, needs: Mapping[str, JobResult]) -> Mapping[str, Callable[..., bool]]:
        """The status functions, as a job sees them."""
        results = [each.result for each in needs.values()]
        return {
            "success": lambda: (
                all(each == "success" for each in results) and not self._cancelled.is_set()
            ),
            "failure": lambda: "failure" in results,
            "cancelled": self._cancelled.is_set,
            "always": lambda: True,
        }


def matrix_of(job: Document, contexts: Document) -> list[dict[str, Any]]:
    """Return the rows of a job's matrix; one empty row without. Raises WorkflowError."""
    matrix = expressions.render((job.get("strategy") or {}).get("matrix"), contexts)
    if matrix is None:
        return [{}]
    if not isinstance(matrix, Mapping) or {"include", "exclude"} & set(matrix):
        raise WorkflowError(f"the matrix {matrix!r} is not built here")
    rows = [dict(zip(matrix, row, strict=True)) for row in itertools.product(*matrix.values())]
    if not rows or len(rows) > MOST_JOBS:
        raise WorkflowError(f"a matrix of {len(rows)} jobs; GitHub takes 1 to {MOST_JOBS}")
    return rows


def conclusion(results: Any, cancelled: bool) -> str:
    """Return what jobs come to together."""
    found = {each.result for each in results}
    if cancelled:
        return "cancelled"
    if "failure" in found:
        return "failure"
    return "skipped" if found == {"skipped"} else "success"

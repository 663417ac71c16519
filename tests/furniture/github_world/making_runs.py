"""Runs of workflows: set off by people and Apps, carried out by whoever a test appoints."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from storage.errors import SourceError
from storage.git import git
from tests.furniture.github_world.actions import FAILED, Artifact, Job, Run, Workflow
from tests.furniture.github_world.apps import Installation
from tests.furniture.github_world.making_apps import Apps
from tests.furniture.github_world.state import Repository, User

FOLDER = ".github/workflows"
DAY = 24 * 3600
KEPT_DAYS = 90
ACTIONS = "github-actions"
JOB_TOKEN = {"contents": "read", "metadata": "read", "packages": "read"}
"""What the token of a job may do when the workflow says nothing."""

Executor = Callable[[Run], Awaitable[None]]


class Runs(Apps):
    """What happens to runs.

    ``world.executor`` carries out what is queued, in a task of its own: an async function that is
    given the run, calls ``begin_run``, ``begin_job``, ``end_job``, ``upload_artifact`` and
    ``end_run``, and heeds ``run.again`` and ``run.cancel``. Without one a test calls them itself.
    """

    executor: Executor | None = None

    def workflows(self, repository: Repository, branch: str = "") -> list[Workflow]:
        """Return the workflows on a branch, the default one if it is not named."""
        if repository.git is None:
            return []
        at = f"refs/heads/{branch or repository.default_branch}"
        try:
            listed = git("ls-tree", "--name-only", at, f"{FOLDER}/", cwd=repository.git)
        except SourceError:
            return []
        paths = [one for one in listed.decode().split() if one.endswith((".yml", ".yaml"))]
        return [self._workflow(repository, at, path) for path in paths]

    def run(
        self,
        repository: Repository,
        workflow: Workflow,
        *,
        branch: str = "",
        event: str = "workflow_dispatch",
        inputs: Mapping[str, Any] | None = None,
        by: User | None = None,
    ) -> Run:
        """Set off a run of a workflow that is there."""
        assert repository.git is not None
        branch = branch or repository.default_branch
        now = self.tick()
        made = Run(
            id=self.next_id(),
            number=1 + sum(one.workflow.id == workflow.id for one in repository.runs),
            repository=repository,
            workflow=workflow,
            event=event,
            branch=branch,
            sha=git("rev-parse", f"refs/heads/{branch}", cwd=repository.git).decode().strip(),
            actor=self.person(by, repository),
            created=now,
            updated=now,
            started=now,
            inputs=dict(inputs or {}),
        )
        repository.runs.append(made)
        self._queued(made)
        return made

    def begin_run(self, run: Run) -> None:
        """Let a runner have taken it."""
        run.status, run.updated = "in_progress", self.tick()
        self._run_told("in_progress", run)

    def begin_job(self, run: Run, name: str) -> Job:
        """Begin a job."""
        now = self.tick()
        made = Job(id=self.next_id(), name=name, attempt=run.attempt, created=now, started=now)
        made.status = "in_progress"
        run.jobs.append(made)
        return made

    def end_job(self, job: Job, conclusion: str = "success") -> None:
        """End a job."""
        job.status, job.conclusion, job.completed = "completed", conclusion, self.tick()

    def end_run(self, run: Run, conclusion: str = "") -> None:
        """End a run: by default as its jobs say."""
        run.conclusion = conclusion or _conclusion(run)
        run.status, run.updated = "completed", self.tick()
        self._run_told("completed", run)

    def upload_artifact(
        self,
        run: Run,
        name: str,
        content: bytes | Mapping[str, bytes],
        *,
        days: float = KEPT_DAYS,
    ) -> Artifact:
        """Leave an artifact: files, or bytes that are taken as the archive whatever they are."""
        made = Artifact(
            id=self.next_id(),
            name=name,
            content=content if isinstance(content, bytes) else _zipped(content),
            created=self.tick(),
            expires=self.clock.now + days * DAY,
        )
        run.artifacts.append(made)
        return made

    def cancel_run(self, run: Run) -> None:
        """Ask for a run to stop; where nobody carries it out it has stopped."""
        run.cancel.set()
        if self.executor is None:
            for job in run.jobs:
                if job.status != "completed":
                    self.end_job(job, "cancelled")
            self.end_run(run, "cancelled")

    def rerun(self, run: Run, *, only_failed: bool = False) -> None:
        """Start another attempt, of all jobs or of those that failed."""
        run.again = None
        if only_failed:
            run.again = frozenset(job.name for job in run.latest if job.conclusion in FAILED)
        run.attempt += 1
        run.cancel = asyncio.Event()
        run.status, run.conclusion, run.started = "queued", None, self.tick()
        self._queued(run)

    def job_token(self, run: Run, permissions: Mapping[str, str] = JOB_TOKEN) -> str:
        """Return the token that a job finds in its environment: of this repository alone."""
        made = self.grant(
            self._actions(run.repository),
            permissions={"metadata": "read", **permissions},
            repositories=[run.repository],
        )
        self.grants[made.token] = replace(made, expires=self.clock.now + DAY)
        return made.token

    def _actions(self, repository: Repository) -> Installation:
        """Return GitHub's own App, as it is in every repository, with limits for each."""
        found = {one.slug: one for one in self.apps.values()}
        app = found.get(ACTIONS) or self.app(ACTIONS, owner="github", permissions={}, events=())
        for one in self.installations.values():
            if one.app is app and one.chosen == [repository]:
                return one
        now = self.clock.text
        made = Installation(
            id=self.next_id(),
            app=app,
            account=repository.owner,
            permissions={},
            created=now,
            updated=now,
            selection="selected",
            chosen=[repository],
            hourly=1000,
        )
        self.installations[made.id] = made
        return made

    def _queued(self, run: Run) -> None:
        self._run_told("requested", run)
        if self.executor is not None:
            task = asyncio.get_running_loop().create_task(self._carried_out(run, self.executor))
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    async def _carried_out(self, run: Run, executor: Executor) -> None:
        try:
            await executor(run)
        except Exception as error:
            self.complain(f"run {run.id} of {run.workflow.path}: {error!r}")
            self.end_run(run, "failure")

    def _workflow(self, repository: Repository, at: str, path: str) -> Workflow:
        text = git("show", f"{at}:{path}", cwd=repository.git).decode()
        described = yaml.safe_load(text) or {}
        # YAML reads a bare `on` as true.
        on = described.get("on", described.get(True)) or {}
        events = on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)
        dispatch = events.get("workflow_dispatch") or {}
        known = repository.workflows.setdefault(path, self.next_id())
        return Workflow(
            id=known,
            path=path,
            name=described.get("name", path),
            run_name=described.get("run-name", ""),
            inputs=(dispatch.get("inputs") or {}) if "workflow_dispatch" in events else None,
        )

    def _run_told(self, action: str, run: Run) -> None:
        about = {"workflow": run.workflow, "workflow_run": run}
        to = self.hearers("workflow_run", run.repository)
        self.happened(
            "workflow_run", action, repository=run.repository, by=run.actor, to=to, **about
        )


def _conclusion(run: Run) -> str:
    ends = {job.conclusion for job in run.latest}
    return next((one for one in ("failure", "timed_out", "cancelled") if one in ends), "success")


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()

"""GitHub Actions: workflows, their runs and jobs, and the artifacts that these leave."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.furniture.actions.expressions import as_text, render
from tests.furniture.github_world.state import Repository, User, node_id

FAILED = frozenset({"failure", "cancelled", "timed_out"})


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow file, as it is on one branch."""

    id: int
    path: str
    name: str
    inputs: Mapping[str, Mapping[str, Any]] | None
    """What a dispatch takes; None where it cannot be dispatched."""
    run_name: str = ""
    """What its runs are called, in its own words; empty where by its name."""

    @property
    def node(self) -> str:
        return node_id("W", self.id)

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(kw_only=True)
class Job:
    """One job of one attempt."""

    id: int
    name: str
    attempt: int
    created: str
    started: str
    status: str = "queued"
    conclusion: str | None = None
    completed: str | None = None

    @property
    def node(self) -> str:
        return node_id("CR", self.id)


@dataclass(kw_only=True)
class Artifact:
    """What a run left: a zip archive, or what claims to be one."""

    id: int
    name: str
    content: bytes
    created: str
    expires: float
    expired: bool = False

    @property
    def node(self) -> str:
        return node_id("AR", self.id)

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


@dataclass(kw_only=True)
class Run:
    """A run of a workflow. ``event`` is what set it off, ``inputs`` what it was given."""

    id: int
    number: int
    repository: Repository
    workflow: Workflow
    event: str
    branch: str
    sha: str
    actor: User
    created: str
    updated: str
    started: str
    inputs: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    status: str = "queued"
    conclusion: str | None = None
    jobs: list[Job] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    again: frozenset[str] | None = None
    """Names of the jobs that this attempt is to run; None for all."""
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody wants it to stop."""

    @property
    def node(self) -> str:
        return node_id("WFR", self.id)

    @property
    def title(self) -> str:
        """What people see it called."""
        if not self.workflow.run_name:
            return self.workflow.name
        return as_text(render(self.workflow.run_name, {"inputs": self.inputs}))

    @property
    def latest(self) -> list[Job]:
        """The newest of each job, those of earlier attempts that were not run again included."""
        return list({job.name: job for job in self.jobs}.values())

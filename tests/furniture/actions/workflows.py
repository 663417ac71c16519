"""Workflow files and composite actions as GitHub reads them; what is not built here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

WORKFLOW_KEYS = {"name", "on", "permissions", "env", "jobs", "concurrency", "run-name"}
JOB_KEYS = {
    "name",
    "needs",
    "if",
    "runs-on",
    "timeout-minutes",
    "permissions",
    "strategy",
    "env",
    "outputs",
    "steps",
    "uses",
    "with",
    "concurrency",
}
STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env", "shell", "continue-on-error"}
STRATEGY_KEYS = {"fail-fast", "matrix", "max-parallel"}
MACHINES = {"ubuntu-24.04", "ubuntu-latest"}
LEVELS = {"none": 0, "read": 1, "write": 2}

Document = Mapping[str, Any]


class WorkflowError(Exception):
    """A workflow that GitHub would not run, or that says what is not built here."""


def load(path: Path) -> Document:
    """Read a workflow or an action. ``on``, which YAML takes for true, gets its name back."""
    document = yaml.safe_load(path.read_text())
    found = {("on" if key is True else key): value for key, value in document.items()}
    if isinstance(found.get("on"), str):
        found["on"] = {found["on"]: None}
    return found


def read_workflow(path: Path) -> Document:
    """Read a workflow, and refuse it where it says something that is not understood."""
    workflow = load(path)
    refuse_unknown(workflow, WORKFLOW_KEYS, path.name)
    for name, job in workflow["jobs"].items():
        where = f"{path.name}: job {name}"
        refuse_unknown(job, JOB_KEYS, where)
        refuse_unknown(job.get("strategy") or {}, STRATEGY_KEYS, where)
        for need in needs_of(job):
            if need not in workflow["jobs"]:
                raise WorkflowError(f"{where} needs {need}, which does not exist")
        if "uses" not in job and job.get("runs-on") not in MACHINES:
            raise WorkflowError(f"{where} runs on {job.get('runs-on')!r}, a machine we do not have")
        for step in job.get("steps") or []:
            refuse_unknown(step, STEP_KEYS, where)
    return workflow


def refuse_unknown(found: Document, known: set[str], where: str) -> None:
    unknown = set(found) - known
    if unknown:
        raise WorkflowError(f"{where}: {', '.join(sorted(unknown))} is not built here")


def needs_of(job: Document) -> list[str]:
    """Return the jobs that a job waits for."""
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else list(needs)


def inputs_of(workflow: Document, event: str, given: Document, where: str) -> dict[str, Any]:
    """Return the inputs of a dispatch or a call, with defaults. Raises WorkflowError."""
    on = workflow["on"]
    if event not in on:
        raise WorkflowError(f"{where} cannot be started by {event}")
    declared: Document = (on[event] or {}).get("inputs") or {}
    if len(declared) > 25 and event == "workflow_dispatch":
        raise WorkflowError(f"{where} has {len(declared)} inputs; a dispatch takes 25")
    unknown = set(given) - set(declared)
    if unknown:
        raise WorkflowError(f"{where} has no input {', '.join(sorted(unknown))}")
    found = {}
    for name, about in declared.items():
        if name in given:
            found[name] = typed(given[name], about.get("type", "string"), f"{where}: {name}")
        elif about.get("required"):
            raise WorkflowError(f"{where}: the input {name} is required")
        else:
            empty = {"boolean": False, "number": 0}.get(about.get("type", "string"), "")
            found[name] = about.get("default", empty)
    return found


def typed(value: Any, kind: str, where: str) -> Any:
    """Return an input in its declared type. Raises WorkflowError."""
    if kind == "number":
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise WorkflowError(f"{where} is no number: {value!r}") from error
    if kind == "boolean":
        return value is True or value == "true"
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WorkflowError(f"{where} is to be a string, not {value!r}")
    return value


def permissions_of(workflow: Document, job: Document, allowed: Document) -> dict[str, str]:
    """Return what a job's token may do. Raises WorkflowError where that is too much.

    A called workflow cannot have more than the job that calls it.
    """
    asked = job.get("permissions", workflow.get("permissions"))
    if asked is None:
        return dict(allowed)
    if not isinstance(asked, Mapping):
        raise WorkflowError(f"permissions {asked!r}: name each")
    for name, level in asked.items():
        if LEVELS[level] > LEVELS[allowed.get(name, "none")]:
            raise WorkflowError(f"a job asks for {name}: {level}, its caller has less")
    return {name: level for name, level in asked.items() if level != "none"}

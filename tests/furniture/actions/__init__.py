"""Runs workflow files as GitHub would: the very commands in the YAML, job by job."""

from tests.furniture.actions.artifacts import Artifacts
from tests.furniture.actions.machines import Lost, Machine
from tests.furniture.actions.place import ExecutorPlace
from tests.furniture.actions.runs import Dispatch, Run, RunResult
from tests.furniture.actions.workflows import WorkflowError

__all__ = [
    "Artifacts",
    "Dispatch",
    "ExecutorPlace",
    "Lost",
    "Machine",
    "Run",
    "RunResult",
    "WorkflowError",
]

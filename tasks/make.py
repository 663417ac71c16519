"""A task from a bug that was found valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from storage.records import Bug, Repository, Task, Verdict
from tasks.ids import instance_id
from tasks.mirrored import Mirrored
from tasks.statements import statement


def make_task(
    repository: Repository,
    bug: Bug,
    verdict: Verdict,
    *,
    messages: Mapping[str, str] | None = None,
    mirrored: Mirrored | None = None,
    test_patch: str = "",
) -> Task:
    """Return the task of a bug with a valid verdict; ``messages`` are of its failing tests.

    ``told`` is what people said of a mirrored bug, ``test_patch`` brings back its hidden tests.
    Raises ValueError when the verdict is not valid or is on another bug.
    """
    if not verdict.valid or verdict.bug != bug.id:
        raise ValueError(f"bug {bug.id} makes no task: verdict on {verdict.bug}, {verdict.reason}")
    return Task(
        id=instance_id(repository, bug),
        bug=bug.id,
        environment=verdict.environment,
        statement=mirrored.statement
        if mirrored is not None
        else statement(
            repository.name, verdict.fail_to_pass, messages, spilled=len(verdict.spilled)
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        hints=mirrored.hints if mirrored is not None else (),
        removed=tuple((each.kind, each.text) for each in mirrored.removed)
        if mirrored is not None
        else (),
        test_patch=test_patch,
    )

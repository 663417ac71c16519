"""Rules that change versions: of Python, of dependencies that moved on, of test plugins. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from harness.detect.interpreter import fits
from harness.environments.diagnosis import describe_finding
from harness.environments.repair_context import Findings, RepairContext, change_plan, of_kind
from storage.records import Plan

FRESH = timedelta(days=3)
"""A commit younger than this saw today's versions of its dependencies."""
DRIFT = frozenset({"changed-dependency", "warning-as-error", "version-conflict", "not-built"})
STDLIB_MOVED = frozenset({"collections", "inspect", "imp", "distutils", "asyncore", "asynchat"})
"""Modules whose parts were removed: what asks for them is of an older Python."""


def change_python(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Take a Python that fits what was asked for, or an older one for what was removed."""
    asked = of_kind(findings, "wrong-python")
    for python in known.pythons if asked else ():
        if python != plan.python and all(fits(python, f.subject) for f in asked):
            yield change_plan(
                plan, map(describe_finding, asked), f"on Python {python}", python=python
            )
            return
    removed = [
        finding
        for finding in of_kind(
            findings, "changed-dependency", "missing-module", "missing-build-module"
        )
        if finding.subject.partition(".")[0] in STDLIB_MOVED
    ]
    older = [python for python in known.pythons if number(python) < number(plan.python)]
    if removed and older:
        told = (f"{f.subject} has lost parts that it uses" for f in removed)
        yield change_plan(plan, told, f"on Python {older[0]}", python=max(older, key=number))


def number(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def pin_to_commit_date(plan: Plan, known: RepairContext, because: str) -> Plan | None:
    """Resolve the dependencies as they were when the commit was made."""
    try:
        made = datetime.fromisoformat(known.committed).date()
    except ValueError:
        return None
    if plan.exclude_newer or known.today - made < FRESH:
        return None
    limit = (made + timedelta(days=1)).isoformat()
    return change_plan(plan, [because], f"as of {made}", exclude_newer=limit)


def pin_drifted_dependencies(
    plan: Plan, findings: Findings, known: RepairContext
) -> Iterator[Plan]:
    """Answer a dependency that has moved on by its versions of the commit's day."""
    drift = [f for f in of_kind(findings, *DRIFT) if f.subject.partition(".")[0] not in known.own]
    told = "; ".join(dict.fromkeys(map(describe_finding, drift[:3])))
    if drift and (older := pin_to_commit_date(plan, known, told)):
        yield older

"""Rules that change versions: of Python, of dependencies that moved on, of test plugins. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from harness.detect.distributions import FIXTURES
from harness.detect.interpreter import fits
from harness.detect.model import normalise
from harness.detect.option_tables import PLUGIN_PREFIXES
from harness.environments.diagnosis import LogFinding, describe_finding
from harness.environments.repair_context import (
    Findings,
    RepairContext,
    change_plan,
    of_kind,
    words_of,
)
from storage.records import Plan

FRESH = timedelta(days=3)
"""A commit younger than this saw today's versions of its dependencies."""
DRIFT = frozenset({"changed-dependency", "warning-as-error", "version-conflict", "not-built"})
STDLIB_MOVED = frozenset({"collections", "inspect", "imp", "distutils", "asyncore", "asynchat"})
"""Modules whose parts were removed: what asks for them is of an older Python."""

PYTEST_OBJECTS = frozenset(
    {"Package", "Module", "Function", "FixtureDef", "FixtureManager", "FixtureRequest"}
    | {"SubRequest", "CallSpec2", "Metafunc", "Session", "TerminalReporter", "CallInfo"}
)
"""Classes of pytest's own whose attributes plugins reach for."""


def change_python(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Take a Python that fits what was asked for, or an older one for what was removed."""
    asked = of_kind(findings, "wrong-python")
    fitting = [
        python
        for python in known.pythons
        if python != plan.python and all(fits(python, f.subject) for f in asked)
    ]
    # The second is for where the first cannot be had.
    for python in fitting[:2] if asked else ():
        yield change_plan(plan, map(describe_finding, asked), f"on Python {python}", python=python)
    if asked and fitting:
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


def pin_test_tools(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Take the major of pytest, or of a plugin, before the one that a failure speaks against."""
    pins: dict[str, str] = {}
    for finding in findings:
        for pin in find_pins(finding, known):
            pins.setdefault(pin, describe_finding(finding))
    wanted = tuple(pin for pin in pins if pin not in words_of(plan))
    if wanted:
        told = (pins[pin] for pin in wanted)
        yield change_plan(plan, told, f"with {' '.join(wanted)}", install=(*plan.install, wanted))


def find_pins(finding: LogFinding, known: RepairContext) -> Iterator[str]:
    """Yield the upper bound that a finding asks for, where a later version is installed."""
    name, less, said = find_test_tool(finding).partition("<")
    installed = known.installed.get(name, "")
    major = int(installed.partition(".")[0]) if installed[:1].isdigit() else 0
    bound = int(said) if less else major
    if 0 < bound <= major:
        yield f"{name}<{bound}"


def find_test_tool(finding: LogFinding) -> str:
    """Return the distribution of pytest's world that is newer than its users, empty for none.

    A bound is added where the failure itself names it.
    """
    subject = finding.subject
    if finding.kind == "newer-test-tool":
        return subject
    if finding.kind == "missing-fixture":
        return FIXTURES.get(subject, "")
    if finding.kind == "unknown-option":
        return next((d for p, d in PLUGIN_PREFIXES.items() if subject.startswith(p)), "")
    if finding.kind not in ("changed-dependency", "missing-module"):
        return ""
    top = subject.partition(".")[0]
    if top in ("pytest", "_pytest") or subject in PYTEST_OBJECTS:
        return "pytest"
    return normalise(top) if top == "pluggy" or top.startswith("pytest_") else ""

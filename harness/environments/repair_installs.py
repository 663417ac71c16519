"""Rules that install what a failure misses: packages, modules, plugins. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.detect.distributions import FIXTURES, MARKS
from harness.detect.model import requirement_name
from harness.detect.option_tables import PLUGIN_PREFIXES
from harness.environments.diagnosis import LogFinding, describe_finding, system_packages
from harness.environments.providers import find_distribution, install_provided
from harness.environments.repair_context import (
    Findings,
    RepairContext,
    change_plan,
    of_kind,
    words_of,
)
from storage.records import Plan


def install_system_packages(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Install the Debian packages that bring what is missing."""
    needed = [(f, packages) for f in findings if (packages := system_packages(f))]
    wanted = {name for _, packages in needed for name in packages} - set(plan.system)
    if known.system and wanted:
        yield change_plan(
            plan,
            (describe_finding(finding) for finding, _ in needed),
            f"with {' '.join(sorted(wanted))}",
            system=tuple(sorted({*plan.system, *wanted})),
        )


def install_missing_modules(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Install what provides missing modules: of the repository's lists, or what is well known."""
    wanted: dict[str, str] = {}
    for finding in of_kind(findings, "missing-module"):
        name = find_distribution(finding.subject, known)
        if name and name not in words_of(plan) and requirement_name(name) not in known.installed:
            wanted.setdefault(name, describe_finding(finding))
    steps, added = install_provided(plan.install, tuple(wanted), known)
    if steps != plan.install:
        yield change_plan(plan, wanted.values(), f"with {' '.join(added)}", install=steps)


def add_source_path(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Let a module of the tree be imported from where it lies."""
    if any(word.startswith("pythonpath=") for word in plan.pytest_args):
        return
    missing = {f.subject.partition(".")[0]: f for f in of_kind(findings, "missing-module")}
    places = {top: known.roots(top) for top in missing if top in known.own}
    folders = dict.fromkeys(found[0] for found in places.values() if found)
    if folders:
        told = [describe_finding(missing[top]) for top, found in places.items() if found]
        option = f"pythonpath={' '.join(folders)}"
        arguments = ("-o", option, *plan.pytest_args)
        yield change_plan(plan, told, option, pytest_args=arguments)


def install_plugins(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Install the pytest plugins that tests turn out to need; drop options nobody knows."""
    wanted, told = [], []
    for finding in findings:
        name = plugin(finding)
        if name and name not in words_of(plan) and name not in known.installed:
            wanted.append(name)
            told.append(describe_finding(finding))
    if wanted:
        names = tuple(dict.fromkeys(wanted))
        yield change_plan(plan, told, f"with {' '.join(names)}", install=(*plan.install, names))
    unknown = {f.subject for f in of_kind(findings, "unknown-option")}
    kept = tuple(w for w in plan.pytest_args if w.partition("=")[0] not in unknown)
    if kept != plan.pytest_args:
        told = [describe_finding(f) for f in of_kind(findings, "unknown-option")]
        yield change_plan(plan, told, "without unknown options", pytest_args=kept)


def plugin(finding: LogFinding) -> str:
    """Return the plugin that gives what a finding misses, empty when none is known."""
    if finding.kind == "missing-fixture":
        return FIXTURES.get(finding.subject, "")
    if finding.kind == "unknown-mark":
        return MARKS.get(finding.subject, "")
    if finding.kind == "async-tests":
        return "pytest-asyncio"
    if finding.kind == "unknown-option":
        families = (d for p, d in PLUGIN_PREFIXES.items() if finding.subject.startswith(p))
        return next(families, "")
    return ""


def run_async_tests(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Let pytest-asyncio run every async test, where it is there and leaves them alone."""
    left = of_kind(findings, "async-tests")
    told = any("asyncio" in word and "mode" in word for word in plan.pytest_args)
    if left and "pytest-asyncio" in known.installed and not told:
        arguments = ("-o", "asyncio_mode=auto", *plan.pytest_args)
        yield change_plan(
            plan, map(describe_finding, left), "asyncio_mode=auto", pytest_args=arguments
        )

"""From a plan that failed to the plans that its failure suggests. Pure.

Each rule reads the findings of ``harness/environments/diagnosis.py`` and changes what they
speak of, and nothing more; what came of it is tried like any other plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from harness.detect.model import normalise
from harness.detect.steps import ORDINARY_BUILD
from harness.environments.diagnosis import describe_finding, diagnose
from harness.environments.providers import find_distribution
from harness.environments.repair_context import (
    Findings,
    RepairContext,
    base,
    change_plan,
    of_kind,
)
from harness.environments.repair_installs import (
    add_source_path,
    install_missing_modules,
    install_plugins,
    install_system_packages,
    run_async_tests,
)
from harness.environments.repair_versions import (
    DRIFT,
    change_python,
    pin_drifted_dependencies,
    pin_test_tools,
    pin_to_commit_date,
)
from storage.records import Plan

BUILD_TOOLS = ("setuptools<81", "wheel")
"""The last setuptools that brings ``pkg_resources``: what old build scripts import."""


def repairs(plan: Plan, reason: str, detail: str, known: RepairContext) -> tuple[Plan, ...]:
    """Return plans that answer a failure, the likeliest first; none when nothing is known."""
    findings = diagnose(reason, detail)
    made: list[Plan] = []
    for rule in RULES:
        for found in rule(plan, findings, known):
            if not any(is_same_plan(found, other) for other in (plan, *made)):
                made.append(found)
    older = pin_to_commit_date(plan, known, "newer dependencies may have broken it")
    drifted = {finding.kind for finding in findings} & DRIFT
    if older is not None and not drifted and not any(p.exclude_newer for p in made):
        made.append(older)
    return tuple(made)


def is_same_plan(one: Plan, other: Plan) -> bool:
    """Say whether two plans do the same."""
    return replace(one, name="", notes=(), because="") == replace(
        other, name="", notes=(), because=""
    )


def build_without_isolation(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Build without isolation, with what the build imports and does not ask for."""
    missing = of_kind(findings, "missing-build-module")
    if not missing or any("--no-build-isolation" in step for step in plan.install):
        return
    names = [name for f in missing if (name := find_distribution(f.subject, known))]
    tools = tuple(dict.fromkeys((*BUILD_TOOLS, *known.build_requires, *names)))
    tools = tuple(t for n, t in enumerate(tools) if n < len(BUILD_TOOLS) or base(t) != "setuptools")
    steps = tuple(("--no-build-isolation", *step) for step in plan.install)
    yield change_plan(
        plan, map(describe_finding, missing), "with its build's imports", install=(tools, *steps)
    )


def build_with_plain_setuptools(
    plan: Plan, findings: Findings, known: RepairContext
) -> Iterator[Plan]:
    """Build by setuptools alone where one of its companions wants the web."""
    asked = {base(each) for each in known.build_requires}
    wanting = of_kind(findings, "build-reaches-web")
    isolated = not any("--no-build-isolation" in step for step in plan.install)
    if wanting and isolated and "setuptools" in asked and asked - ORDINARY_BUILD:
        scm = ("setuptools-scm",) if asked & {"setuptools-scm", "coherent-licensed"} else ()
        steps = tuple(("--no-build-isolation", *step) for step in plan.install)
        tools = ("setuptools>=77", "wheel", *scm)
        yield change_plan(
            plan, map(describe_finding, wanting), "plain setuptools", install=(tools, *steps)
        )


def drop_unavailable(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Leave out what cannot be had: groups, distributions, files; never the project itself.

    What was to come from a repository of its own is taken from the index instead.
    """
    groups = {f.subject for f in of_kind(findings, "missing-group")}
    files = {f.subject for f in of_kind(findings, "missing-file")}
    names = {normalise(f.subject) for f in of_kind(findings, "missing-distribution", "not-built")}
    names -= {known.project}
    steps = tuple(
        step
        for each in plan.install
        if (step := tuple(filter_step(each, groups, files, names, known)))
    )
    gone = [
        f
        for f in of_kind(
            findings, "missing-group", "missing-distribution", "not-built", "missing-file"
        )
        if f.subject in groups | files or normalise(f.subject) in names
    ]
    if steps != plan.install:
        named = " ".join(sorted({finding.subject for finding in gone}))
        yield change_plan(plan, map(describe_finding, gone), f"without {named}", install=steps)


def filter_step(
    step: tuple[str, ...],
    groups: Collection[str],
    files: Collection[str],
    names: Collection[str],
    known: RepairContext,
) -> Iterator[str]:
    """Yield the words of a step that stay; a list that names what goes is written out."""
    skipped = False
    for word, following in pairwise((*step, "")):
        if skipped:
            skipped = False
        elif word in ("-r", "--group"):
            skipped = True
            read = known.read_requirements if word == "-r" else known.read_group
            listed = read(following)
            if following in (files if word == "-r" else groups):
                continue
            if any(base(each) in names for each in listed):
                yield from drop_requirements(listed, names)
            else:
                yield from (word, following)
        elif word.startswith("-"):
            yield word
        else:
            yield from drop_requirements((word,), names)


def drop_requirements(requirements: Iterable[str], names: Collection[str]) -> Iterator[str]:
    """Yield requirements without those of these names; one with an address keeps its name."""
    for each in requirements:
        if base(each) not in names:
            yield each
        elif "://" in each:
            yield each.partition("@")[0].strip()


def split_conflicting_steps(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Install what contradicts each other in steps of their own, the last word winning."""
    conflicts = of_kind(findings, "version-conflict")
    steps = tuple(part for step in plan.install for part in split_step(step))
    if conflicts and steps != plan.install:
        yield change_plan(
            plan, map(describe_finding, conflicts), "one after the other", install=steps
        )


def split_step(step: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Split a step into files, the package, and plain requirements."""
    pairs, plain, target = [], [], []
    rest = list(step)
    while rest:
        word = rest.pop(0)
        if word == "-r" and rest:
            pairs.append((word, rest.pop(0)))
        elif word in ("-e", "--group") and rest:
            target += [word, rest.pop(0)]
        elif word.startswith("-"):
            target.append(word)
        else:
            plain.append(word)
    return [*pairs, *([tuple(plain)] if plain else []), *([tuple(target)] if target else [])]


def allow_warnings(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Let a warning be one, where a setting turns it into an error."""
    warned = of_kind(findings, "warning-as-error")
    if warned and "default" not in plan.pytest_args:
        arguments = ("-W", "default", *plan.pytest_args)
        yield change_plan(
            plan, map(describe_finding, warned), "warnings allowed", pytest_args=arguments
        )


def ignore_bad_modules(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Leave out a test module that ends pytest itself."""
    options = [f"--ignore={f.subject}" for f in of_kind(findings, "bad-module")]
    new = tuple(option for option in options if option not in plan.pytest_args)
    if new:
        told = map(describe_finding, of_kind(findings, "bad-module"))
        yield change_plan(plan, told, " ".join(new), pytest_args=(*new, *plan.pytest_args))


RULES: tuple[Callable[[Plan, Findings, RepairContext], Iterator[Plan]], ...] = (
    install_system_packages,
    change_python,
    build_with_plain_setuptools,
    build_without_isolation,
    install_missing_modules,
    add_source_path,
    pin_test_tools,
    install_plugins,
    run_async_tests,
    ignore_bad_modules,
    drop_unavailable,
    split_conflicting_steps,
    pin_drifted_dependencies,
    allow_warnings,
)

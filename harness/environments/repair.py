"""From a plan that failed to the plans that its failure suggests. Pure.

Each rule reads the findings of ``harness/environments/diagnosis.py`` and changes what they
speak of, and nothing more; what came of it is tried like any other plan.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from harness.detect.distributions import DISTRIBUTIONS, FIXTURES, MARKS
from harness.detect.interpreter import fits
from harness.detect.model import normalise, requirement_name
from harness.detect.option_tables import PLUGIN_PREFIXES
from harness.detect.steps import ORDINARY_BUILD
from harness.environments.diagnosis import LogFinding, describe_finding, diagnose, system_packages
from storage.records import Plan

FRESH = timedelta(days=3)
"""A commit younger than this saw today's versions of its dependencies."""
BUILD_TOOLS = ("setuptools<81", "wheel")
"""The last setuptools that brings ``pkg_resources``: what old build scripts import."""
DRIFT = frozenset({"changed-dependency", "warning-as-error", "version-conflict", "not-built"})
STDLIB_MOVED = frozenset({"collections", "inspect", "imp", "distutils", "asyncore", "asynchat"})
"""Modules whose parts were removed: what asks for them is of an older Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairContext:
    """What the rules may know of the repository and of the sandbox."""

    committed: str = ""
    """ISO date of the commit, empty when unknown."""
    today: date
    pythons: Sequence[str] = ()
    own: Collection[str] = ()
    """Modules that the tree itself holds."""
    roots: Callable[[str], tuple[str, ...]] = lambda module: ()
    """Folders of the tree from which a module of its own can be imported, the likeliest first."""
    project: str = ""
    """Normalised name of its distribution."""
    build_requires: tuple[str, ...] = ()
    mentions: Callable[[str], bool] = lambda name: False
    """Whether the repository's settings name a distribution."""
    read_requirements: Callable[[str], tuple[str, ...]] = lambda path: ()
    """The requirements a file of the tree lists."""
    read_group: Callable[[str], tuple[str, ...]] = lambda name: ()
    """The requirements of a dependency group."""
    system: bool = False
    """Whether system packages can be installed."""


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


Findings = tuple[LogFinding, ...]


def of_kind(findings: Findings, *kinds: str) -> list[LogFinding]:
    return [finding for finding in findings if finding.kind in kinds]


def change_plan(plan: Plan, because: Iterable[str], suffix: str, **values: Any) -> Plan:
    """Return a plan with some of its parts changed, and why."""
    told = "; ".join(dict.fromkeys(because))
    return replace(plan, name=f"{plan.name}, {suffix}", because=told, **values)


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


def install_missing_modules(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Install what provides missing modules: what is well known, or named by the repository."""
    wanted, told = [], []
    for finding in of_kind(findings, "missing-module"):
        name = distribution(finding.subject, known)
        if name and name not in words_of(plan):
            wanted.append(name)
            told.append(describe_finding(finding))
    if wanted:
        names = tuple(dict.fromkeys(wanted))
        yield change_plan(plan, told, f"with {' '.join(names)}", install=(*plan.install, names))


def distribution(module: str, known: RepairContext) -> str:
    """Return what is installed for a module, empty when nothing trustworthy says so."""
    top = module.partition(".")[0]
    if top in known.own or top in sys.stdlib_module_names:
        return ""
    if top in DISTRIBUTIONS:
        return DISTRIBUTIONS[top]
    return normalise(top) if known.mentions(normalise(top)) else ""


def words_of(plan: Plan) -> set[str]:
    return {word for step in plan.install for word in step}


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
        if name and name not in words_of(plan):
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


def build_without_isolation(plan: Plan, findings: Findings, known: RepairContext) -> Iterator[Plan]:
    """Build without isolation, with what the build imports and does not ask for."""
    missing = of_kind(findings, "missing-build-module")
    if not missing or any("--no-build-isolation" in step for step in plan.install):
        return
    names = [name for f in missing if (name := distribution(f.subject, known))]
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


def base(requirement: str) -> str:
    return requirement_name(requirement)


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
    install_plugins,
    ignore_bad_modules,
    drop_unavailable,
    split_conflicting_steps,
    pin_drifted_dependencies,
    allow_warnings,
)

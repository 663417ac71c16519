"""Turn facts into plans: the combined guess first, then single ones, then what always remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harness.detect.config import Overrides
from harness.detect.distributions import DISTRIBUTIONS
from harness.detect.facts import RepositoryFacts, gather, read_project
from harness.detect.interpreter import DEFAULT_VERSION, build_variables, choose_python
from harness.detect.model import Evidence, normalise, requirement_name, requirement_names
from harness.detect.nox import nox_pythons
from harness.detect.off_topic import lighten_evidence
from harness.detect.option_tables import UNWANTED
from harness.detect.requirements import DEVELOPING, name_score
from harness.detect.steps import Steps, install, source_path, unusual_build
from harness.detect.tox import tox_pythons
from harness.detect.tree import RepositoryTree
from harness.detect.unmet_imports import find_missing_imports
from harness.detect.workflows import workflow_pythons
from storage.records import Plan

MOST_PLANS = 12
MOST_SINGLES = 5
SURE = 100
"""Score of evidence whose very name says that it is about tests."""
TESTED = 90
"""Score of what tox installs when it runs pytest."""
LIKELY = 65
"""Score of development dependencies that hold pytest: tox is believed along with them only."""


def plans(
    tree: RepositoryTree,
    *,
    pythons: Sequence[str],
    overrides: Overrides,
    version: str = DEFAULT_VERSION,
) -> tuple[Plan, ...]:
    """Return how the repository could be installed and tested, best guess first.

    Deterministic, without duplicates, at most twelve; empty when there is no Python in the tree.
    Runs nothing of the repository. Raises EnvironmentFailed (``python-unavailable``).
    """
    if not any(path.endswith(".py") for path in tree.paths):
        return ()
    project = read_project(tree)
    tested = (*tox_pythons(tree), *nox_pythons(tree), *workflow_pythons(tree))
    python = choose_python(project, pythons, overrides.python, tested)
    facts = gather(tree, project, python)
    environment = {
        **build_variables(project, version),
        **dict(facts.setenv),
        **dict(overrides.env),
    }
    guesses = (
        guess_from_overrides(facts, overrides)
        if overrides.install is not None
        else guess(tree, facts)
    )
    made = (
        Plan(
            name=name,
            python=python,
            install=steps,
            pytest_args=arguments if overrides.pytest_args is None else overrides.pytest_args,
            env=tuple(sorted(environment.items())),
            notes=() if overrides.pytest_args is not None else facts.notes,
            system=tuple(sorted(facts.system)),
        )
        for name, steps, arguments in guesses
    )
    found = distinct(made)
    if not facts.system:
        return found[:MOST_PLANS]
    bare = replace(found[0], name=f"{found[0].name}, no system packages", system=())
    return (*found[: MOST_PLANS - 1], bare)


Guess = tuple[str, Steps, tuple[str, ...]]
"""Name, install steps and arguments for pytest."""


def guess_from_overrides(facts: RepositoryFacts, overrides: Overrides) -> Iterator[Guess]:
    """Yield the one plan a person asked for; pytest is added when nothing names it."""
    steps = overrides.install or ()
    words = [word for step in steps for word in step]
    last = () if "pytest" in requirement_names(words) else (("pytest",),)
    yield "as configured", (*steps, *last), default_arguments(facts)


def guess(tree: RepositoryTree, facts: RepositoryFacts) -> Iterator[Guess]:
    """Yield the guesses in order of likelihood."""
    best = choose_evidence(tree, facts)
    together = [*best, find_missing_imports(facts, best)]
    fallback = [find_missing_imports(facts, ())]
    singles = [
        [each, find_missing_imports(facts, [each])] for each in facts.evidence[:MOST_SINGLES]
    ]
    speaks_of_tests = any(each.score >= LIKELY for each in best)
    choices = [together, *singles, fallback] if speaks_of_tests else [fallback, *singles]
    for place, chosen in enumerate(choices):
        yield label(chosen), install(tree, facts, chosen), default_arguments(facts, chosen)
        if place == 0 and facts.is_wide:
            # Documents may need what nobody installs for tests: then those alone serve.
            yield narrow(tree, facts, chosen)
    yield from variations(tree, facts, choices[0])


def variations(
    tree: RepositoryTree, facts: RepositoryFacts, best: list[Evidence]
) -> Iterator[Guess]:
    """Yield the best installation with other arguments, then without its build tools."""
    steps = install(tree, facts, best)
    arguments = default_arguments(facts, best)
    if facts.folders:
        yield narrow(tree, facts, best)
    if facts.config.warnings_are_errors:
        lenient = ("-W", "default", *arguments)
        yield f"{label(best)}, warnings allowed", steps, lenient
    if facts.project.installable and unusual_build(facts):
        plain = install(tree, facts, best, isolated=False)
        yield f"{label(best)}, plain setuptools", plain, arguments
    if facts.project.installable:
        bare = install(tree, facts, best, package=False)
        yield f"{label(best)}, not installed", bare, (*source_path(tree, facts), *arguments)


def narrow(tree: RepositoryTree, facts: RepositoryFacts, best: list[Evidence]) -> Guess:
    """Return an installation with the folders of tests alone, and none of the options."""
    arguments = (*disable_unwanted_plugins(best), *facts.folders)
    return f"{label(best)}, only {' '.join(facts.folders)}", install(tree, facts, best), arguments


def default_arguments(facts: RepositoryFacts, chosen: Iterable[Evidence] = ()) -> tuple[str, ...]:
    return (*disable_unwanted_plugins(chosen), *facts.options, *facts.paths)


def disable_unwanted_plugins(chosen: Iterable[Evidence]) -> tuple[str, ...]:
    """Return the options that switch off plugins which change every run."""
    brought = frozenset[str]().union(*(each.brings for each in chosen))
    names = sorted(plugin for dist, plugin in UNWANTED.items() if dist in brought)
    return tuple(word for name in names for word in ("-p", f"no:{name}"))


def choose_evidence(tree: RepositoryTree, facts: RepositoryFacts) -> list[Evidence]:
    """Return the evidence that belongs together: what is surely about tests, and who runs them.

    Where neither is, the best of the rest; what it holds for documentation and style is left out.
    """
    named = [e for e in facts.evidence if not e.runs]
    chosen: list[Evidence] = []
    for kind in ("extras", "groups", "arguments"):
        sure = [e for e in named if e.score >= SURE and getattr(e, kind) and e not in chosen]
        chosen += sure[:1]
    runner = [e for e in facts.evidence if e.runs and e.score >= TESTED][:1]
    script = [e for e in facts.evidence if e.runs and LIKELY <= e.score < TESTED][:1]
    if not runner and not chosen and script and "pytest" in script[0].brings:
        return [drop_useless_requirements(tree, facts, script[0])]
    if not chosen:
        rest = named[:1]
        chosen = [e for e in rest if not (runner or script) or e.score >= LIKELY]
    if any("pytest" in e.brings for e in chosen):
        script = [without_development(e, facts) for e in script]
    more = runner or script
    return [
        drop_useless_requirements(tree, facts, e) if e.score < TESTED else e
        for e in (*chosen, *more)
    ]


def without_development(evidence: Evidence, facts: RepositoryFacts) -> Evidence:
    """Return evidence without groups for development at large, which others make superfluous."""
    groups = tuple(name for name in evidence.groups if name_score(normalise(name)) != DEVELOPING)
    gone = [facts.project.groups[normalise(n)] for n in evidence.groups if n not in groups]
    brought = evidence.brings.difference(*map(requirement_names, gone))
    return replace(evidence, groups=groups, brings=brought)


def drop_useless_requirements(
    tree: RepositoryTree, facts: RepositoryFacts, evidence: Evidence
) -> Evidence:
    """Return evidence without what is of no use to tests, unless they import it."""
    modules = facts.used.modules
    names = {requirement_name(DISTRIBUTIONS.get(module, module)) for module in modules}
    return lighten_evidence(tree, facts.project, evidence, frozenset(names | facts.used.plugins))


def label(evidence: list[Evidence]) -> str:
    """Say in a few words what a plan rests on."""
    names = [e.label for e in evidence if e.extras or e.groups or e.arguments]
    return " + ".join(dict.fromkeys(names)) or "package alone"


def distinct(made: Iterable[Plan]) -> tuple[Plan, ...]:
    """Leave out plans that differ from an earlier one by their name only."""
    seen: dict[tuple[object, ...], Plan] = {}
    for plan in made:
        seen.setdefault((plan.install, plan.pytest_args), plan)
    return tuple(seen.values())

"""Turn facts into plans: the combined guess first, then single ones, then what always remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from harness.config import Overrides
from harness.detect.distributions import DISTRIBUTIONS, PROVIDES
from harness.detect.facts import Facts, gather, read_project
from harness.detect.interpreter import DEFAULT_VERSION, build_variables, choose_python
from harness.detect.model import Evidence, normalise, requirement_name, requirement_names
from harness.tree import Tree, has
from storage.records import Plan

MOST_PLANS = 12
MOST_SINGLES = 5
SURE = 100
"""Score of evidence whose very name says that it is about tests."""
TESTED = 90
"""Score of what tox installs when it runs pytest."""
LIKELY = 65
"""Score of development dependencies that hold pytest: tox is believed along with them only."""
ORDINARY_BUILD = frozenset({"setuptools", "wheel", "setuptools-scm", "pip", "setuptools-git"})

Steps = tuple[tuple[str, ...], ...]


def plans(
    tree: Tree,
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
    python = choose_python(project, pythons, overrides.python)
    facts = gather(tree, project, python)
    environment = {
        **build_variables(project, version),
        **dict(facts.setenv),
        **dict(overrides.env),
    }
    guesses = configured(facts, overrides) if overrides.install is not None else guess(tree, facts)
    made = (
        Plan(
            name=name,
            python=python,
            install=steps,
            pytest_args=arguments if overrides.pytest_args is None else overrides.pytest_args,
            env=tuple(sorted(environment.items())),
            notes=() if overrides.pytest_args is not None else facts.notes,
        )
        for name, steps, arguments in guesses
    )
    return distinct(made)[:MOST_PLANS]


Guess = tuple[str, Steps, tuple[str, ...]]
"""Name, install steps and arguments for pytest."""


def configured(facts: Facts, overrides: Overrides) -> Iterator[Guess]:
    """Yield the one plan a person asked for; pytest is added when nothing names it."""
    steps = overrides.install or ()
    words = [word for step in steps for word in step]
    last = () if "pytest" in requirement_names(words) else (("pytest",),)
    yield "as configured", (*steps, *last), default_arguments(facts)


def guess(tree: Tree, facts: Facts) -> Iterator[Guess]:
    """Yield the guesses in order of likelihood."""
    arguments = default_arguments(facts)
    best = combined(facts)
    fallback = [imported(facts, ())]
    if facts.evidence:
        together = [*best, imported(facts, best)]
        yield label(together), install(tree, facts, together), arguments
        for each in facts.evidence[:MOST_SINGLES]:
            alone = [each, imported(facts, [each])]
            yield label(alone), install(tree, facts, alone), arguments
    yield label(fallback), install(tree, facts, fallback), arguments
    yield from variations(tree, facts, [*best, imported(facts, best)])


def variations(tree: Tree, facts: Facts, best: list[Evidence]) -> Iterator[Guess]:
    """Yield the best installation with other arguments, then without its build tools."""
    steps = install(tree, facts, best)
    arguments = default_arguments(facts)
    if facts.folders:
        yield f"{label(best)}, only {' '.join(facts.folders)}", steps, facts.folders
    if facts.config.warnings_are_errors:
        lenient = ("-W", "default", *arguments)
        yield f"{label(best)}, warnings allowed", steps, lenient
    if facts.project.installable and unusual_build(facts):
        plain = install(tree, facts, best, isolated=False)
        yield f"{label(best)}, plain setuptools", plain, arguments
    if facts.project.installable:
        bare = install(tree, facts, best, package=False)
        yield f"{label(best)}, not installed", bare, (*source_path(tree, facts), *arguments)


def default_arguments(facts: Facts) -> tuple[str, ...]:
    return (*facts.options, *facts.paths)


def source_path(tree: Tree, facts: Facts) -> tuple[str, ...]:
    """Return the option that makes a package importable that is not installed."""
    if facts.config.words("pythonpath"):
        return ()
    return ("-o", "pythonpath=src ." if has(tree, "src") else "pythonpath=.")


def unusual_build(facts: Facts) -> bool:
    backend = facts.project.backend
    tools = requirement_names(facts.project.build_requires)
    return (not backend or backend.startswith("setuptools")) and bool(tools - ORDINARY_BUILD)


def combined(facts: Facts) -> list[Evidence]:
    """Return the evidence that belongs together: what is surely about tests, else the best."""
    named = [e for e in facts.evidence if e.label != "tox"]
    chosen: list[Evidence] = []
    for kind in ("extras", "groups", "arguments"):
        sure = [e for e in named if e.score >= SURE and getattr(e, kind) and e not in chosen]
        chosen += sure[:1]
    tox = [e for e in facts.evidence if e.label == "tox" and e.score >= TESTED]
    if not chosen:
        chosen = [e for e in named[:1] if not tox or e.score >= LIKELY]
    return chosen + tox


def imported(facts: Facts, chosen: Iterable[Evidence]) -> Evidence:
    """Return evidence for the modules and plugins that tests use and nothing else brings.

    An extra that brings one is preferred; a distribution is named only when the repository
    names it somewhere, or when it is well known.
    """
    brought = closure(
        requirement_names(facts.project.dependencies).union(*(e.brings for e in chosen))
    )
    missing = {d for module in facts.used.modules if (d := distribution(facts, module))} - brought
    extras = covering(facts, missing)
    covered = brought.union(
        *(requirement_names(facts.project.extras[name]) for name in extras),
    )
    names = sorted((missing | facts.used.plugins | facts.plugins) - covered)
    spelled = tuple(SPELLED.get(name, name) for name in names)
    return Evidence(
        label="imports of the tests",
        score=0,
        extras=extras,
        arguments=spelled,
        brings=frozenset(names) | covered,
    )


SPELLED = {normalise(requirement_name(text)): text for text in DISTRIBUTIONS.values()}
"""How a well-known distribution is asked for, by its normalised name."""


def distribution(facts: Facts, module: str) -> str:
    """Return the distribution that provides a module, empty when nothing trustworthy says so."""
    if module in DISTRIBUTIONS:
        return requirement_name(DISTRIBUTIONS[module])
    named = set().union(
        *(e.brings for e in facts.evidence),
        *(requirement_names(items) for items in facts.project.extras.values()),
        *(requirement_names(items) for items in facts.project.groups.values()),
    )
    return normalise(module) if normalise(module) in named else ""


def closure(names: frozenset[str]) -> frozenset[str]:
    """Add what comes along with the named distributions."""
    wider = names.union(*(PROVIDES.get(name, frozenset()) for name in names))
    return wider if wider == names else closure(wider)


def covering(facts: Facts, missing: set[str]) -> tuple[str, ...]:
    """Return the extras that bring what is missing, the most useful first."""
    if not facts.project.installable:
        return ()
    left, chosen = set(missing), []
    extras = {name: requirement_names(items) for name, items in facts.project.extras.items()}
    while left:
        name = max(sorted(extras), key=lambda n: len(extras[n] & left), default="")
        if not name or not extras[name] & left:
            break
        chosen.append(name)
        left -= extras[name]
    return tuple(chosen)


def label(evidence: list[Evidence]) -> str:
    """Say in a few words what a plan rests on."""
    names = [e.label for e in evidence if e.extras or e.groups or e.arguments]
    return " + ".join(dict.fromkeys(names)) or "package alone"


def install(
    tree: Tree,
    facts: Facts,
    evidence: list[Evidence],
    *,
    package: bool = True,
    isolated: bool = True,
) -> Steps:
    """Return the steps: what is around the package, the package with its extras, pytest."""
    package = package and facts.project.installable
    around = arguments_of(evidence)
    if not package:
        around = merged([*unpackaged(tree, facts, evidence), *around])
    groups = [word for e in evidence for name in e.groups for word in ("--group", name)]
    extras = sorted({name for e in evidence for name in e.extras})
    target = ("-e", f".[{','.join(extras)}]" if extras else ".") if package else ()
    tools = () if isolated else (build_tools(facts),)
    flags = () if isolated else ("--no-build-isolation",)
    brought = frozenset().union(*(e.brings for e in evidence))
    last = () if "pytest" in brought else ("pytest",)
    main = (*flags, *target, *pairs(groups)) if target or groups else ()
    return tuple(step for step in (around, *tools, main, last) if step)


def arguments_of(evidence: list[Evidence]) -> tuple[str, ...]:
    """Return the arguments of all evidence."""
    return merged([word for e in evidence for word in e.arguments])


def merged(words: list[str]) -> tuple[str, ...]:
    """Return arguments of ``uv pip install``, files first, each only once."""
    files = [b for a, b in pairwise(words) if a == "-r"]
    taken = set(files) | {"-r"}
    plain = dict.fromkeys(word for word in words if word not in taken)
    return (*(w for file in dict.fromkeys(files) for w in ("-r", file)), *plain)


def pairs(words: list[str]) -> tuple[str, ...]:
    """Leave out the second mention of a group."""
    names = dict.fromkeys(words[1::2])
    return tuple(word for name in names for word in ("--group", name))


def unpackaged(tree: Tree, facts: Facts, evidence: list[Evidence]) -> tuple[str, ...]:
    """Return what a package and its extras need when it is not itself installed."""
    project = facts.project
    extras = (item for e in evidence for name in e.extras for item in project.extras.get(name, ()))
    own = normalise(project.name)
    wanted = [r for r in (*project.dependencies, *extras) if requirement_name(r) not in ("", own)]
    if wanted or not has(tree, "requirements.txt"):
        return tuple(wanted)
    return ("-r", "requirements.txt")


def build_tools(facts: Facts) -> tuple[str, ...]:
    """Return the ordinary build tools, for a build that goes without the unusual ones."""
    asked = requirement_names(facts.project.build_requires)
    scm = ("setuptools-scm",) if asked & {"setuptools-scm", "coherent-licensed"} else ()
    return ("setuptools>=77", "wheel", *scm)


def distinct(made: Iterable[Plan]) -> tuple[Plan, ...]:
    """Leave out plans that differ from an earlier one by their name only."""
    seen: dict[tuple[object, ...], Plan] = {}
    for plan in made:
        seen.setdefault((plan.install, plan.pytest_args), plan)
    return tuple(seen.values())

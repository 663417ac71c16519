"""Find what the tests import and nothing chosen so far brings."""

from __future__ import annotations

from collections.abc import Iterable

from harness.detect.distributions import DISTRIBUTIONS, PROVIDES
from harness.detect.facts import RepositoryFacts
from harness.detect.model import Evidence, normalise, requirement_name, requirement_names


def find_missing_imports(facts: RepositoryFacts, chosen: Iterable[Evidence]) -> Evidence:
    """Return evidence for the modules and plugins that tests use and nothing else brings.

    An extra that brings one is preferred; a distribution is named only when the repository
    names it somewhere, or when it is well known.
    """
    brought = closure(
        requirement_names(facts.project.dependencies).union(*(e.brings for e in chosen))
    )
    missing = {d for module in facts.used.modules if (d := distribution(facts, module))} - brought
    extras = choose_extras(facts, missing)
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


def distribution(facts: RepositoryFacts, module: str) -> str:
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


def choose_extras(facts: RepositoryFacts, missing: set[str]) -> tuple[str, ...]:
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

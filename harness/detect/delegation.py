"""Follow a command to what it leaves the work to: an environment, a target, a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.detect.hatch import Envs, hatch_envs, hatch_recipe
from harness.detect.installers import Recipe, combine_recipes
from harness.detect.nox import NoxSession, read_nox
from harness.detect.targets import (
    Rules,
    just_rules,
    make_rules,
    rule_recipe,
    script_recipe,
    task_rules,
)
from harness.detect.tox import read_tox, tox_recipe
from harness.detect.tree import RepositoryTree

MOST_CALLS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Callables:
    """Everything a command of a repository can call by name, for one Python version."""

    tree: RepositoryTree
    python: str
    nox: tuple[NoxSession, ...]
    hatch: Envs
    rules: Mapping[str, Rules]
    """By the tool that runs them: ``make``, ``just`` and ``task``."""


def callables(tree: RepositoryTree, python: str) -> Callables:
    """Read what can be called in a tree."""
    return Callables(
        tree=tree,
        python=python,
        nox=read_nox(tree),
        hatch=hatch_envs(tree),
        rules={"make": make_rules(tree), "just": just_rules(tree), "task": task_rules(tree)},
    )


def follow(known: Callables, recipe: Recipe) -> Recipe:
    """Return a recipe together with all that it calls, and all that these call."""
    return combine_recipes(parts(known, recipe, set()))


def parts(known: Callables, recipe: Recipe, seen: set[tuple[str, str]]) -> Iterator[Recipe]:
    yield recipe
    for call in recipe.calls:
        if call not in seen and len(seen) < MOST_CALLS:
            seen.add(call)
            yield from parts(known, resolve_call(known, *call), seen)


def resolve_call(known: Callables, tool: str, name: str) -> Recipe:
    """Return what one name stands for; nothing when the repository does not define it."""
    if tool == "tox":
        found = read_tox(known.tree, known.python, name)
        return tox_recipe(found) if found else Recipe()
    if tool == "nox":
        return nox_recipe(known.nox, name)
    if tool == "hatch":
        return hatch_recipe(known.hatch, name)
    if tool == "script":
        return script_recipe(known.tree, name)
    return rule_recipe(known.rules.get(tool, {}), name)


def nox_recipe(sessions: tuple[NoxSession, ...], name: str) -> Recipe:
    """Return what a session does; without a name, the first that runs tests."""
    for session in sessions:
        if session.name == name or (not name and session.recipe.tests):
            return session.recipe
    return Recipe()

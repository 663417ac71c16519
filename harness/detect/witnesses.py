"""Ask everything that runs the tests what it installs for them: tox, nox, hatch, jobs, targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from harness.detect.delegation import Callables, follow
from harness.detect.hatch import hatch_recipes
from harness.detect.model import Evidence, ProjectMetadata
from harness.detect.requirements import is_complete
from harness.detect.resolution import resolve
from harness.detect.scores import TOOLS, declared_score
from harness.detect.targets import TESTING, rule_recipe, script_recipe, test_scripts
from harness.detect.tox import ToxEnv, tox_recipe
from harness.detect.workflows import ASIDE, tested_jobs

NAMED = 100
"""Score of what is for tests by its very name."""
RUNNER = 90
"""Score of what tox, nox or hatch install to run the tests."""
JOB, TARGET, SCRIPT = 75, 70, 65
"""Scores of what a workflow's job, a target of make or a script install on the way to the tests."""
LESS = 45
"""Score of further sessions and jobs that run tests."""


def witnesses(known: Callables, project: ProjectMetadata, tox: ToxEnv | None) -> list[Evidence]:
    """Return what each witness says of the tests."""
    return [
        *tox_witness(known, project, tox),
        *nox_witnesses(known, project),
        *hatch_witnesses(known, project),
        *workflow_witnesses(known, project),
        *target_witnesses(known, project),
    ]


def tox_witness(
    known: Callables, project: ProjectMetadata, tox: ToxEnv | None
) -> Iterator[Evidence]:
    """Yield what tox installs to run the tests; nothing when one of its files is missing."""
    if tox is None:
        return
    arguments = tox.arguments
    files = [file for word, file in pairwise(arguments) if word == "-r"]
    recipe = follow(known, tox_recipe(tox))
    each = resolve(known.tree, project, recipe, label="tox", score=RUNNER if recipe.tests else 20)
    if all(is_complete(known.tree, file) for file in files):
        yield each
    else:
        yield replace(each, extras=(), groups=(), arguments=(), brings=frozenset())


def nox_witnesses(known: Callables, project: ProjectMetadata) -> Iterator[Evidence]:
    """Yield the sessions of nox that run tests; the first by its name is believed most."""
    followed = [(session.name, follow(known, session.recipe)) for session in known.nox]
    testing = [(name, recipe) for name, recipe in followed if recipe.tests]
    testing.sort(key=lambda each: (bool(ASIDE.search(each[0])), each[0] not in TESTING))
    for place, (name, recipe) in enumerate(testing):
        score = LESS if place else RUNNER
        yield resolve(known.tree, project, recipe, label=f"nox session {name!r}", score=score)


def hatch_witnesses(known: Callables, project: ProjectMetadata) -> Iterator[Evidence]:
    """Yield hatch's environments: those for tests by their name, and those that run them."""
    for name, recipe in hatch_recipes(known.hatch).items():
        each = resolve(known.tree, project, recipe, label=f"hatch env {name!r}", score=0)
        score = declared_score(name, each.brings)
        if recipe.tests and not ASIDE.search(name):
            score = max(score, RUNNER)
        yield replace(each, score=score, runs=RUNNER <= score < NAMED)


def workflow_witnesses(known: Callables, project: ProjectMetadata) -> Iterator[Evidence]:
    """Yield the jobs that run tests, the most ordinary first."""
    for place, job in enumerate(tested_jobs(known)):
        yield resolve(
            known.tree,
            project,
            job.recipe,
            label=job.label,
            score=LESS if place or job.fit < 0 else JOB,
            services=job.services,
            without=TOOLS,
        )


def target_witnesses(known: Callables, project: ProjectMetadata) -> Iterator[Evidence]:
    """Yield the target named for tests of every tool that has one, and the test scripts."""
    called = {"make": "Makefile target", "just": "just recipe", "task": "task"}
    for tool, rules in known.rules.items():
        recipes = ((name, follow(known, rule_recipe(rules, name))) for name in TESTING)
        name, recipe = next((each for each in recipes if each[1].tests), ("", None))
        if recipe is not None:
            label = f"{called[tool]} {name!r}"
            yield resolve(known.tree, project, recipe, label=label, score=TARGET, without=TOOLS)
    for path in test_scripts(known.tree):
        recipe = follow(known, script_recipe(known.tree, path))
        if recipe.tests:
            yield resolve(known.tree, project, recipe, label=path, score=SCRIPT, without=TOOLS)

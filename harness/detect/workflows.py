"""What the jobs of GitHub workflows say of tests: the Pythons, the installs, the command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.detect.delegation import Callables, follow
from harness.detect.installers import Recipe
from harness.detect.jobs import CiJob, read_jobs
from harness.detect.tree import RepositoryTree

MOST_TRIED = 6
"""Entries of one job's matrix that are followed until one runs tests."""
MOST_JOBS = 3
MAIN = re.compile(r"(?i)\b(?:unit|tests?|pytest|ci|main|build)\b")
ASIDE = re.compile(
    r"(?i)lint|docs?\b|documentation|typing|mypy|type.?check|style|format|bench|perf|nightly|"
    r"oldest|minim|lowest|upstream|devdeps|pre.?release|release|publish|deploy|wheel|sdist|"
    r"windows|mac.?os|pypy|integration|e2e|end.to.end|downstream|cython|wasm|pyodide|coverage|"
    r"fuzz|conda|smoke|stale|freethread|no.?deps"
)
"""Jobs that test something besides the ordinary case, or other things than tests."""
VERSION = re.compile(r"(3\.\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A job that runs the tests, with the entry of its matrix that fits best."""

    label: str
    recipe: Recipe
    fit: int
    """How ordinary the job is; the greatest goes first."""
    services: bool


def workflow_pythons(tree: RepositoryTree) -> tuple[str, ...]:
    """Return the Python versions on which workflows run tests, as ``3.11``."""
    jobs = list(read_jobs(tree))
    testing = {(job.path, job.name) for job in jobs if runs_tests(job.recipe)}
    asked = [
        version
        for job in jobs
        if (job.path, job.name) in testing
        for version in (job.pythons or job.entry)
    ]
    return tuple(dict.fromkeys(m[1] for text in asked if (m := VERSION.fullmatch(text))))


def runs_tests(recipe: Recipe) -> bool:
    """Say whether a recipe runs tests, or leaves that to a tool which may."""
    return recipe.tests or any(not ASIDE.search(name) for _, name in recipe.calls)


def tested_jobs(known: Callables) -> list[Tested]:
    """Return the jobs that run tests, the most ordinary first."""
    by_job: dict[tuple[str, str], list[CiJob]] = {}
    for job in read_jobs(known.tree):
        by_job.setdefault((job.path, job.name), []).append(job)
    every = [choose_test_entry(known, entries) for entries in by_job.values()]
    found = sorted((each for each in every if each), key=lambda each: -each.fit)
    return [each for place, each in enumerate(found) if place == 0 or each.fit >= 0][:MOST_JOBS]


def choose_test_entry(known: Callables, entries: list[CiJob]) -> Tested | None:
    """Return a job with the first fitting entry that runs tests; None when none does."""
    ordered = sorted(entries, key=lambda job: -entry_fit(job, known.python))
    for job in ordered[:MOST_TRIED]:
        recipe = follow(known, job.recipe)
        if recipe.tests:
            file = job.path.rpartition("/")[2]
            return Tested(
                label=f"{file} job {job.name!r}",
                recipe=recipe,
                fit=job_fit(job, file) + entry_fit(job, known.python),
                services=job.services,
            )
    return None


def job_fit(job: CiJob, file: str) -> int:
    """Return how much a job's name and file speak of the ordinary tests."""
    words = (job.name, file)
    named = sum(2 for word in words if MAIN.search(word.replace("_", "-")))
    return named - sum(5 for word in words if ASIDE.search(word)) - (3 if job.services else 0)


def entry_fit(job: CiJob, python: str) -> int:
    """Return how well a matrix entry fits the Python that was chosen, on Linux."""
    short = "py" + python.replace(".", "")
    exact = any(text == python or short in text.split("-") for text in (*job.entry, *job.pythons))
    elsewhere = any(re.search(r"(?i)windows|macos|mac\b|pypy", text) for text in job.entry)
    return 4 * exact - 6 * elsewhere - any_aside(job.entry)


def any_aside(values: Iterable[str]) -> int:
    return int(any(ASIDE.search(value) for value in values))

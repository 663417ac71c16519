"""Read the jobs of GitHub workflows: for each entry of a matrix, the scripts that it runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any

import yaml

from harness.detect.commands import read_script
from harness.detect.expressions import Contexts, fill, format_value, holds
from harness.detect.installers import Recipe, combine_recipes
from harness.detect.model import table
from harness.detect.shell import inside
from harness.detect.tree import RepositoryTree, read_text

MOST_ENTRIES = 64
MOST_JOBS = 500
MOST_CALLS = 4
"""Times that one workflow is called: with other inputs it does other things."""
MOST_STEPS = 200
DEEP = 3
SET_LATER = re.compile(
    r"echo\s+[\"']?([A-Za-z_]\w*)=([^\"'\n]*)[\"']?\s*>>\s*[\"']?\$\{?GITHUB_ENV"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CiJob:
    """One job with one entry of its matrix."""

    path: str
    name: str
    recipe: Recipe
    """What its steps do, in order; what they call is not followed."""
    pythons: tuple[str, ...] = ()
    """Python versions it asks for."""
    entry: tuple[str, ...] = ()
    """The values of its matrix entry, and what it runs on."""
    services: bool = False
    """Whether databases and the like run beside it."""


def read_jobs(tree: RepositoryTree) -> Iterator[CiJob]:
    """Yield the jobs of all workflows, each once for every entry of its matrix."""
    return islice(every_job(tree), MOST_JOBS)


def every_job(tree: RepositoryTree) -> Iterator[CiJob]:
    for path in sorted(tree.paths):
        if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path):
            yield from workflow_jobs(tree, path, {}, [])


def document(tree: RepositoryTree, path: str) -> dict[str, Any]:
    """Return a YAML file's document, empty when it is missing or broken."""
    return parse_yaml(read_text(tree, path))


@lru_cache(maxsize=64)
def parse_yaml(text: str) -> dict[str, Any]:
    """Return what a text says, parsed once; the loader in C would crash on deep nesting."""
    try:
        return table(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}


def workflow_jobs(
    tree: RepositoryTree, path: str, inputs: Mapping[str, Any], callers: list[str]
) -> Iterator[CiJob]:
    """Yield the jobs of one workflow; ``inputs`` are those of the one that calls it.

    ``callers`` are the workflows that were called so far, and are called no more.
    """
    loaded = document(tree, path)
    # YAML reads the key "on" as true
    called = table({str(key): value for key, value in loaded.items()}, "True", "workflow_call")
    given = {**defaults(table(called, "inputs")), **inputs}
    for name, job in table(loaded, "jobs").items():
        job = table(job)
        for entry in islice(matrix(table(job, "strategy").get("matrix"), given), MOST_ENTRIES):
            contexts: Contexts = {
                "matrix": entry,
                "inputs": given,
                "runner": {"os": "Linux"},
                "env": {},
            }
            uses = job.get("uses")
            if isinstance(uses, str) and uses.startswith("./"):
                passed = passed_inputs(table(job, "with"), contexts)
                inner = posixpath.normpath(uses)
                if callers.count(inner) < MOST_CALLS:
                    callers.append(inner)
                    yield from workflow_jobs(tree, inner, passed, callers)
            elif isinstance(job.get("steps"), list) and holds(job.get("if", "true"), contexts):
                yield one_job(tree, path, str(name), loaded, job, contexts)


def one_job(
    tree: RepositoryTree,
    path: str,
    name: str,
    workflow: Mapping[str, Any],
    job: Mapping[str, Any],
    contexts: Contexts,
) -> CiJob:
    env: dict[str, str] = {}
    for each in (workflow, job):
        env |= filled_table(table(each, "env"), {**contexts, "env": env})
    defaults_run = {**table(workflow, "defaults", "run"), **table(job, "defaults", "run")}
    folder = fill(format_value(defaults_run.get("working-directory")), contexts)
    recipes: list[Recipe] = []
    pythons: list[str] = []
    steps = Steps(tree=tree, recipes=recipes, pythons=pythons)
    steps.read_steps(job["steps"], env, {**contexts, "env": env}, inside("", folder or "."))
    runs_on = fill(format_value(job.get("runs-on")), contexts)
    values = [format_value(value) for value in contexts["matrix"].values()]
    return CiJob(
        path=path,
        name=name,
        recipe=combine_recipes(recipes),
        pythons=tuple(dict.fromkeys(pythons)),
        entry=(*values, runs_on),
        services=bool(job.get("services")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Reads steps one after another, those of local actions in their place."""

    tree: RepositoryTree
    recipes: list[Recipe]
    pythons: list[str]

    def read_steps(
        self, steps: object, env: dict[str, str], contexts: Contexts, folder: str, depth: int = 0
    ) -> None:
        for step in steps[:MOST_STEPS] if isinstance(steps, list) else []:
            if (
                len(self.recipes) < MOST_STEPS
                and isinstance(step, dict)
                and holds(step.get("if", "true"), contexts)
            ):
                self.read_step(step, env, contexts, folder, depth)

    def read_step(
        self,
        step: Mapping[str, Any],
        env: dict[str, str],
        contexts: Contexts,
        folder: str,
        depth: int,
    ) -> None:
        own = {**env, **filled_table(table(step, "env"), contexts)}
        run, uses = step.get("run"), step.get("uses")
        if isinstance(run, str) and format_value(step.get("shell", "bash")).startswith(
            ("bash", "sh")
        ):
            text = fill(run, contexts)
            where = fill(format_value(step.get("working-directory", ".")), contexts)
            recipe = read_script(text, own, inside(folder, where))
            self.recipes.append(recipe)
            self.pythons.extend(re.findall(r"\buv (?:python install|.*--python)[ =](3\.\d+)", text))
            env |= {name: value for name, value in SET_LATER.findall(text) if "$" not in value}
        elif isinstance(uses, str) and uses.startswith("./") and depth < DEEP:
            self.read_action(
                uses, passed_inputs(table(step, "with"), contexts), own, contexts, depth
            )
        elif isinstance(uses, str):
            asked = table(step, "with").get("python-version", "")
            listed = (
                asked if isinstance(asked, list) else fill(format_value(asked), contexts).split()
            )
            self.pythons.extend(map(format_value, listed))

    def read_action(
        self,
        uses: str,
        passed: Mapping[str, Any],
        env: dict[str, str],
        contexts: Contexts,
        depth: int,
    ) -> None:
        """Read the steps of an action that lies in the repository."""
        folder = posixpath.normpath(uses)
        loaded = document(self.tree, f"{folder}/action.yml")
        loaded = loaded or document(self.tree, f"{folder}/action.yaml")
        inputs = {**defaults(table(loaded, "inputs")), **passed}
        inner = {**contexts, "inputs": inputs}
        self.read_steps(table(loaded, "runs").get("steps"), env, inner, "", depth + 1)


def defaults(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of declared inputs."""
    return {str(name): table(each).get("default", "") for name, each in inputs.items()}


def passed_inputs(values: Mapping[str, Any], contexts: Contexts) -> dict[str, Any]:
    """Return inputs with their expressions worked out; ``true`` and ``false`` as what they mean."""
    meant = {"true": True, "false": False}
    return {name: meant.get(text, text) for name, text in filled_table(values, contexts).items()}


def filled_table(values: Mapping[str, Any], contexts: Contexts) -> dict[str, str]:
    """Return variables or inputs with their expressions worked out."""
    plain = {str(k): v for k, v in values.items() if not isinstance(v, (dict, list))}
    return {name: fill(format_value(value), contexts) for name, value in plain.items()}


def matrix(value: object, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a matrix as GitHub makes them, one empty entry without a matrix."""
    axes = {str(k): v for k, v in table(value).items() if isinstance(v, list)}
    included = [each for each in axes.pop("include", []) if isinstance(each, dict)]
    excluded = [each for each in axes.pop("exclude", []) if isinstance(each, dict)]
    combined = (dict(zip(axes, chosen, strict=True)) for chosen in product(*axes.values()))
    entries = [
        entry
        for entry in islice(combined, MOST_ENTRIES * 4)
        if axes and not any(agrees(entry, each) for each in excluded)
    ]
    original = [dict(entry) for entry in entries]
    for each in included:
        shared = {key: each[key] for key in each if key in axes}
        fitting = [n for n, entry in enumerate(original) if agrees(entry, shared)]
        for n in fitting:
            entries[n].update(each)
        if not fitting:
            entries.append(dict(each))
    return entries or [{}]


def agrees(entry: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(entry.get(key) == value for key, value in wanted.items())

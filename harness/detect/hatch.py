"""Read hatch's environments, from ``pyproject.toml`` and from ``hatch.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.detect.commands import read_script
from harness.detect.installers import Recipe, combine_recipes, pip
from harness.detect.model import strings, table
from harness.detect.pyproject import keep_plain_requirements, load
from harness.detect.tree import RepositoryTree

OWN = "hatch-test"
"""The environment of ``hatch test``, which has tests' dependencies without being told."""
OWN_DEPENDENCIES = ("pytest", "pytest-mock")
DEEP = 5
MOST_SCRIPTS = 50

Envs = Mapping[str, Mapping[str, Any]]


def hatch_envs(tree: RepositoryTree) -> dict[str, dict[str, Any]]:
    """Return hatch's environments, each with what it takes from its template."""
    document = load(tree)
    tables = {**table(document, "tool", "hatch", "envs"), **table(load(tree, "hatch.toml"), "envs")}
    raw = {name: table(env) for name, env in tables.items()}
    return {name: inherit_template(name, raw) for name in raw}


def inherit_template(name: str, raw: Envs, depth: int = 0) -> dict[str, Any]:
    """Return an environment with its template's keys under its own; scripts are merged."""
    own = dict(raw.get(name, {}))
    template = own.get("template", "default")
    alone = own.get("detached") is True or name == OWN or depth > DEEP
    if alone or template == name or not isinstance(template, str):
        return own
    base = inherit_template(template, raw, depth + 1)
    merged = {**base, **own}
    for key in ("scripts", "env-vars"):
        if table(base, key) or table(own, key):
            merged[key] = {**table(base, key), **table(own, key)}
    return merged


def hatch_recipe(envs: Envs, call: str) -> Recipe:
    """Return what ``hatch run env:script`` installs and runs."""
    name, _, script = call.partition(":")
    env = envs.get(name.split(".")[0], {})
    return combine_recipes([environment(name, env), *commands(env, script)])


def environment(name: str, env: Mapping[str, Any]) -> Recipe:
    """Return what an environment installs, without its scripts."""
    dependencies = strings(env.get("dependencies"))
    if name == OWN and not dependencies:
        dependencies = OWN_DEPENDENCIES
    items = keep_plain_requirements((*dependencies, *strings(env.get("extra-dependencies"))))
    return Recipe(
        extras=strings(env.get("features")),
        groups=strings(env.get("dependency-groups")),
        arguments=pip(items).arguments,
    )


def commands(
    env: Mapping[str, Any], script: str, seen: frozenset[str] | set[str] = frozenset()
) -> Iterator[Recipe]:
    """Yield what each command of a script does; scripts that it calls are followed once."""
    seen = set(seen) if isinstance(seen, frozenset) else seen
    seen.add(script)
    scripts = table(env, "scripts")
    pairs = {k: v for k, v in table(env, "env-vars").items() if isinstance(v, str)}
    if script == "run" and "default-args" in env:
        yield Recipe(tests=True, pytest=strings(env["default-args"]))
    for line in strings(scripts.get(script)):
        text = fill_fields(line)
        first = text.split(" ")[0]
        if first in scripts:
            if first not in seen and len(seen) < MOST_SCRIPTS:
                yield from commands(env, first, seen)
        else:
            yield read_script(text, {k: v for k, v in pairs.items() if "{" not in v})


def fill_fields(line: str) -> str:
    """Return a command with hatch's fields as they are without arguments: defaults, or nothing."""
    text = re.sub(r"\{root[^}]*\}[/\\]?", "./", line.removeprefix("- "))
    text = re.sub(r"\{(?:args|env:\w+):([^{}]*)\}", r"\1", text)
    return re.sub(r"\{(?:args|matrix:[^}]*)\}", "", text).replace("{", "$").replace("}", "")


def hatch_recipes(envs: Envs) -> dict[str, Recipe]:
    """Return every environment's name with what it installs, and how its scripts run tests."""
    found = {}
    for name, env in envs.items():
        scripts = sorted(table(env, "scripts"), key=lambda script: script not in ("test", "tests"))
        ran = [combine_recipes(commands(env, script)) for script in (*scripts, "run")]
        testing = [recipe for recipe in ran if recipe.tests][:1]
        found[name] = combine_recipes([environment(name, env), *testing])
    return found

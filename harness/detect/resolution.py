"""Say what a recipe installs in the project's own terms: its extras, groups and lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from harness.detect.installers import (
    ALL_EXTRAS,
    ALL_GROUPS,
    PDM_DEFAULT,
    POETRY_DEFAULT,
    UV_DEFAULT,
    Recipe,
)
from harness.detect.model import (
    Evidence,
    ProjectMetadata,
    normalise,
    requirement_name,
    requirement_names,
)
from harness.detect.requirements import brings, is_complete
from harness.detect.scores import for_tests
from harness.detect.tree import RepositoryTree
from harness.detect.variables import test_variables


def resolve(
    tree: RepositoryTree,
    project: ProjectMetadata,
    recipe: Recipe,
    *,
    label: str,
    score: int,
    runs: bool = True,
    services: bool = False,
    without: frozenset[str] = frozenset(),
) -> Evidence:
    """Return a recipe as evidence; names that the project does not know bring nothing.

    Distributions named in ``without`` are left out.
    """
    found = Resolved(project=project, without=without)
    for name in recipe.extras:
        found.extra(name)
    for name in recipe.groups:
        found.group(name)
    files = [b for a, b in pairwise(recipe.arguments) if a == "-r"]
    for word in recipe.arguments:
        if word != "-r" and word not in files:
            found.requirement(word)
    kept = [file for file in dict.fromkeys(files) if is_complete(tree, file)]
    arguments = (*(word for file in kept for word in ("-r", file)), *found.arguments)
    return Evidence(
        label=label,
        score=score,
        extras=tuple(dict.fromkeys(found.extras)),
        groups=tuple(dict.fromkeys(found.groups)),
        arguments=tuple(arguments),
        brings=requirement_names(found.arguments).union(*(brings(tree, file) for file in kept)),
        runs=runs,
        system=recipe.system,
        env=test_variables(recipe.env, services=services),
        pytest=recipe.pytest,
    )


@dataclass(slots=True, kw_only=True)
class Resolved:
    """Gathers the names of one recipe."""

    project: ProjectMetadata
    without: frozenset[str]
    extras: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def extra(self, name: str) -> None:
        extras = self.project.extras
        if name == ALL_EXTRAS:
            self.extras += [each for each in extras if for_tests(each, extras)]
        else:
            spelled = (each for each in extras if normalise(each) == normalise(name))
            self.extras += [each for each in spelled if for_tests(each, extras)]

    def group(self, name: str) -> None:
        """Take a group of the project's, or a list of another tool's, or an extra of that name."""
        if name.startswith(":"):
            for each in expand_default_groups(self.project, name):
                self.group(each)
        elif normalise(name) in self.project.groups:
            self.groups += [name] if for_tests(name, self.project.groups) else []
        elif items := find_tool_group(self.project, name):
            self.arguments += items if for_tests(name, {name: items}) else ()
        else:
            self.extra(name)

    def requirement(self, text: str) -> None:
        """Take one requirement; the project's own name only brings its extras."""
        name = requirement_name(text)
        if name and name == normalise(self.project.name):
            for extra in text.partition("[")[2].partition("]")[0].split(","):
                self.extra(extra.strip())
        elif name not in self.without:
            self.arguments.append(text)


def find_tool_group(project: ProjectMetadata, name: str) -> tuple[str, ...]:
    """Return the requirements of a group that only poetry or pdm know."""
    keys = (f"{tool} group {name!r}" for tool in ("poetry", "pdm"))
    return next((project.lists[key] for key in keys if key in project.lists), ())


def expand_default_groups(project: ProjectMetadata, which: str) -> Iterator[str]:
    """Yield the groups that stand behind a tool's default, or behind all."""
    prefix = {POETRY_DEFAULT: "poetry group ", PDM_DEFAULT: "pdm group "}.get(which, "")
    if which == UV_DEFAULT:
        yield from (name for name in project.default_groups if name in project.groups)
        if ALL_GROUPS in project.default_groups:
            yield from project.groups
    if which in (ALL_GROUPS, PDM_DEFAULT):
        yield from project.groups
    for key in project.lists:
        known = (prefix,) if prefix else ("poetry group ", "pdm group ")
        if which != UV_DEFAULT and key.startswith(known):
            yield key.split("'")[1]

"""Read ``pyproject.toml``: PEP 621 and 735, and the tables of poetry, flit, pdm and uv."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from packaging.dependency_groups import resolve_dependency_groups

from harness.detect.model import Names, ProjectMetadata, normalise, requirement_name, strings, table
from harness.detect.poetry import poetry_lists, poetry_project
from harness.detect.tree import RepositoryTree, read_text

Document = Mapping[str, Any]


def load(tree: RepositoryTree, path: str = "pyproject.toml") -> dict[str, Any]:
    """Return a TOML file's document, empty when it is missing or broken."""
    try:
        return tomllib.loads(read_text(tree, path))
    except tomllib.TOMLDecodeError:
        return {}


def read_pyproject(document: Document) -> ProjectMetadata:
    """Return what ``pyproject.toml`` says of the project."""
    if "project" in document:
        base = pep621(document)
    elif table(document, "tool", "poetry"):
        base = poetry_project(document)
    else:
        base = flit_project(document)
    build = table(document, "build-system")
    managed = "build-system" in document or "project" in document or base.installable
    packaged = table(document, "tool", "uv").get("package", True) is not False
    return ProjectMetadata(
        name=base.name,
        installable=managed and packaged and not package_mode_off(document),
        requires_python=base.requires_python,
        classifiers=base.classifiers,
        dependencies=base.dependencies,
        extras=expand_extras(base.name, base.extras),
        groups=dependency_groups(document),
        lists={
            **base.lists,
            **poetry_lists(document),
            **pdm_lists(document),
            **uv_lists(document),
        },
        build_requires=strings(build.get("requires")),
        backend=str(build.get("build-backend", "")),
        default_groups=uv_defaults(document),
    )


def package_mode_off(document: Document) -> bool:
    return table(document, "tool", "poetry").get("package-mode") is False


def pep621(document: Document) -> ProjectMetadata:
    project = table(document, "project")
    return ProjectMetadata(
        name=str(project.get("name", "")),
        requires_python=str(project.get("requires-python", "")),
        classifiers=strings(project.get("classifiers")),
        dependencies=strings(project.get("dependencies")),
        extras=read_string_lists(table(project, "optional-dependencies")),
    )


def flit_project(document: Document) -> ProjectMetadata:
    metadata = table(document, "tool", "flit", "metadata")
    return ProjectMetadata(
        name=str(metadata.get("dist-name") or metadata.get("module") or ""),
        installable=bool(metadata),
        requires_python=str(metadata.get("requires-python", "")),
        classifiers=strings(metadata.get("classifiers")),
        dependencies=strings(metadata.get("requires")),
        extras=read_string_lists(table(metadata, "requires-extra")),
    )


def read_string_lists(lists: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: strings(value) for name, value in lists.items()}


def expand_extras(project: str, extras: Names) -> dict[str, tuple[str, ...]]:
    """Add to an extra what it takes from the project's other extras (``name[test]``)."""
    own = normalise(project)

    def collect(name: str, seen: frozenset[str]) -> tuple[str, ...]:
        found: list[str] = []
        for requirement in extras.get(name, ()):
            found.append(requirement)
            if requirement_name(requirement) == own and "[" in requirement:
                inner = requirement.partition("[")[2].partition("]")[0].split(",")
                for other in (part.strip() for part in inner):
                    if other not in seen:
                        found += collect(other, seen | {other})
        return tuple(found)

    return {name: collect(name, frozenset({name})) for name in extras}


def dependency_groups(document: Document) -> dict[str, tuple[str, ...]]:
    """Return PEP 735 groups, includes resolved; uv installs none that is malformed."""
    groups = table(document, "dependency-groups")
    found: dict[str, tuple[str, ...]] = {}
    for name in groups:
        with suppress(ExceptionGroup):
            found[normalise(name)] = resolve_dependency_groups(groups, name)
    return found


def pdm_lists(document: Document) -> Names:
    groups = read_string_lists(table(document, "tool", "pdm", "dev-dependencies"))
    return {f"pdm group {name!r}": keep_plain_requirements(items) for name, items in groups.items()}


def uv_lists(document: Document) -> Names:
    items = keep_plain_requirements(strings(table(document, "tool", "uv").get("dev-dependencies")))
    return {"uv dev-dependencies": items} if items else {}


def uv_defaults(document: Document) -> tuple[str, ...]:
    """Return the groups that uv installs unasked: ``dev``, when nothing else is said."""
    listed = table(document, "tool", "uv").get("default-groups", ["dev"])
    return (":all",) if listed == "all" else strings(listed)


def keep_plain_requirements(requirements: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what is no plain requirement: options, and templates of a tool's own."""
    return tuple(r for r in requirements if requirement_name(r) and "{" not in r)

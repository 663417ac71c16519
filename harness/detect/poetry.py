"""Read poetry's own tables, and write its version constraints as everyone else does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.detect.model import Names, ProjectMetadata, strings, table


def poetry_project(document: Mapping[str, Any]) -> ProjectMetadata:
    """Return what ``[tool.poetry]`` says of the project."""
    poetry = table(document, "tool", "poetry")
    dependencies = table(poetry, "dependencies")
    extras = {name: strings(items) for name, items in table(poetry, "extras").items()}
    python = dependencies.get("python", "")
    return ProjectMetadata(
        name=str(poetry.get("name", "")),
        installable=poetry.get("package-mode") is not False,
        requires_python=constraint(python) if isinstance(python, str) else "",
        classifiers=strings(poetry.get("classifiers")),
        dependencies=tuple(requirements(dependencies, optional=False)),
        extras=extras,
    )


def poetry_lists(document: Mapping[str, Any]) -> Names:
    """Return poetry's dependency groups as plain requirements."""
    poetry = table(document, "tool", "poetry")
    groups = {name: table(group, "dependencies") for name, group in table(poetry, "group").items()}
    if "dev-dependencies" in poetry:
        groups["dev"] = {**table(poetry, "dev-dependencies"), **groups.get("dev", {})}
    found = {name: tuple(requirements(items)) for name, items in groups.items()}
    return {f"poetry group {name!r}": items for name, items in found.items() if items}


def requirements(items: Mapping[str, Any], *, optional: bool = True) -> Iterator[str]:
    """Yield one requirement for each dependency that comes from an index."""
    for name, wanted in items.items():
        for each in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(each, dict) and each.get("optional") and not optional:
                continue
            written = requirement(name, each)
            if written:
                yield written


def requirement(name: str, wanted: object) -> str:
    """Return one dependency as a requirement, empty for the interpreter, git and path ones."""
    if name.lower() == "python":
        return ""
    if isinstance(wanted, str):
        return name + constraint(wanted)
    if not isinstance(wanted, dict) or {"git", "path", "url"} & wanted.keys():
        return ""
    extras = ",".join(strings(wanted.get("extras")))
    markers = [f"({m})" for m in (wanted.get("markers"), python_marker(wanted)) if m]
    version = constraint(str(wanted.get("version", "*")))
    text = f"{name}[{extras}]{version}" if extras else f"{name}{version}"
    return f"{text} ; {' and '.join(markers)}" if markers else text


def python_marker(wanted: Mapping[str, Any]) -> str:
    parts = constraint(str(wanted.get("python", ""))).split(",")
    pairs = [re.match(r"([<>=!~]+)\s*([\d.*]+)$", part.strip()) for part in parts if part]
    return " and ".join(f"python_version {m[1]} '{short(m[2])}'" for m in pairs if m)


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def constraint(text: str) -> str:
    """Return poetry's ``^1.2``, ``~1.2``, ``1.2`` or ``*`` as a version specifier.

    Alternatives (``||``) cannot be said in one: any version is allowed.
    """
    if "|" in text:
        return ""
    parts = [one_constraint(part.strip()) for part in text.split(",")]
    return ",".join(part for part in parts if part)


def one_constraint(text: str) -> str:
    if text in ("", "*"):
        return ""
    if text[0] == "^":
        return format_bounds(text[1:].strip(), caret_place(text[1:].strip()))
    if text[0] == "~" and not text.startswith("~="):
        version = text[1:].strip()
        return format_bounds(version, min(1, version.count(".")))
    return f"=={text}" if text[0].isdigit() else text.replace(" ", "")


def caret_place(version: str) -> int:
    """Return which number of a version a caret lets grow no further: the first that is not 0."""
    numbers = version.split(".")
    return next((n for n, part in enumerate(numbers) if part != "0"), len(numbers) - 1)


def format_bounds(version: str, place: int) -> str:
    numbers = re.findall(r"\d+", version)[: place + 1]
    if not numbers:
        return ""
    numbers[-1] = str(int(numbers[-1]) + 1)
    return f">={version},<{'.'.join(numbers)}"

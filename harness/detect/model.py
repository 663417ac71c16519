"""What detection learns from a repository, before it is turned into plans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Names = Mapping[str, tuple[str, ...]]
"""Requirements by the name of the extra, group or list that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMetadata:
    """How the project describes itself, whatever tool it uses for that."""

    name: str = ""
    installable: bool = False
    requires_python: str = ""
    classifiers: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    extras: Names = field(default_factory=dict)
    """Installed as ``-e .[name]``."""
    groups: Names = field(default_factory=dict)
    """Installed as ``--group name``."""
    lists: Names = field(default_factory=dict)
    """Known to another tool only (poetry, hatch, pdm …): their requirements are passed one by one;
    the key is what a person reads."""
    build_requires: tuple[str, ...] = ()
    backend: str = ""
    default_groups: tuple[str, ...] = ()
    """Groups that uv installs unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One place in the repository that says what its tests need."""

    label: str
    score: int
    """How surely it is about tests; the greatest is believed first."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """For ``uv pip install``: requirements, and pairs of ``-r`` and a file."""
    brings: frozenset[str] = frozenset()
    """Normalised names of the distributions it is known to bring."""
    runs: bool = False
    """Whether it is what a tool installs just before it runs the tests."""
    system: tuple[str, ...] = ()
    """Debian packages that are installed along with it."""
    env: tuple[tuple[str, str], ...] = ()
    """Variables under which the tests are run."""
    pytest: tuple[str, ...] | None = None
    """Arguments that pytest is called with; None when it is not called."""


def normalise(name: str) -> str:
    """Return a distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """Return the normalised name a requirement starts with; empty for options, paths, URLs."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:$|[\[<>=!~;@,( #])", requirement)
    return normalise(match[1]) if match else ""


def requirement_names(requirements: Iterable[str]) -> frozenset[str]:
    """Return the names of the distributions that requirements ask for."""
    return frozenset(name for each in requirements if (name := requirement_name(each)))


def strings(value: object) -> tuple[str, ...]:
    """Return the strings of a list; a lone string counts as one, anything else is left out."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def table(value: object, *keys: str) -> dict[str, Any]:
    """Return the table under nested keys, empty when it is missing or no table."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}

"""What the rules of repair may know, and how they change a plan. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from harness.detect.model import normalise, requirement_name
from harness.environments.diagnosis import LogFinding
from storage.records import Plan

Findings = tuple[LogFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An extra, a group, or another list of requirements of the repository."""

    kind: Literal["extra", "group", "list"]
    """A list is known to another tool, or is a file: its requirements are passed one by one."""
    name: str
    requirements: tuple[str, ...]
    is_whole: bool = True
    """Whether all of it may be installed; else only what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairContext:
    """What the rules may know of the repository and of the sandbox."""

    committed: str = ""
    """ISO date of the commit, empty when unknown."""
    today: date
    pythons: Sequence[str] = ()
    own: Collection[str] = ()
    """Modules that the tree itself holds."""
    roots: Callable[[str], tuple[str, ...]] = lambda module: ()
    """Folders of the tree from which a module of its own can be imported, the likeliest first."""
    project: str = ""
    """Normalised name of its distribution."""
    build_requires: tuple[str, ...] = ()
    mentions: Callable[[str], bool] = lambda name: False
    """Whether the repository's settings name a distribution."""
    read_requirements: Callable[[str], tuple[str, ...]] = lambda path: ()
    """The requirements a file of the tree lists."""
    read_group: Callable[[str], tuple[str, ...]] = lambda name: ()
    """The requirements of a dependency group."""
    system: bool = False
    """Whether system packages can be installed."""
    providers: Sequence[Provider] = ()
    """What the repository itself could have installed, the likeliest first."""
    optional_imports: Callable[[str], tuple[str, ...]] = lambda path: ()
    """Modules that a file of the tree does without where they are missing."""
    is_configured: bool = False
    """Whether a person said what is installed: then nothing is added to what serves."""
    installed: Mapping[str, str] = field(default_factory=dict)
    """Versions by normalised name, of the environment whose tests are spoken of."""


def of_kind(findings: Findings, *kinds: str) -> list[LogFinding]:
    return [finding for finding in findings if finding.kind in kinds]


def change_plan(plan: Plan, because: Iterable[str], suffix: str, **values: Any) -> Plan:
    """Return a plan with some of its parts changed, and why."""
    told = "; ".join(dict.fromkeys(because))
    return replace(plan, name=f"{plan.name}, {suffix}", because=told, **values)


def words_of(plan: Plan) -> set[str]:
    return {word for step in plan.install for word in step}


def base(requirement: str) -> str:
    return requirement_name(requirement)


def read_lock(lock: str) -> dict[str, str]:
    """Return the versions of a lock, by normalised name."""
    pairs = (line.partition("==") for line in lock.splitlines())
    return {normalise(name.strip()): version.strip() for name, equals, version in pairs if equals}

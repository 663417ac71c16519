"""Choose the Python version, and the variables that let a package be built without history."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.detect.model import ProjectMetadata, requirement_names
from storage.errors import EnvironmentFailed

DEFAULT_VERSION = "0.1.0"
CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)$")

SCM_VARIABLES = (
    ("setuptools-scm", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("hatch-vcs", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("vcs-versioning", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("flit-scm", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("scikit-build-core", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("coherent-licensed", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("pdm-backend", "PDM_BUILD_SCM_VERSION"),
    ("pdm-pep517", "PDM_BUILD_SCM_VERSION"),
    ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    ("uv-dynamic-versioning", "UV_DYNAMIC_VERSIONING_BYPASS"),
    ("pbr", "PBR_VERSION"),
)
"""What asks version control for the version, and the variable that answers instead."""


def choose_python(
    project: ProjectMetadata,
    pythons: Sequence[str],
    wanted: str | None,
    tested: Collection[str] = (),
) -> str:
    """Return the version to use: the wanted one, else the first the project says it supports.

    A version that is ``tested``, or named in the classifiers, goes before one that is only not
    ruled out; where none of those can be had, the nearest to one of them is taken. Raises
    EnvironmentFailed (``python-unavailable``).
    """
    available = ", ".join(pythons) or "none"
    if wanted is not None:
        if wanted in pythons:
            return wanted
        raise EnvironmentFailed(
            f"python-unavailable: Python {wanted} is asked for, available: {available}; "
            "install it, or ask for another with --python"
        )
    fitting = [python for python in pythons if fits(python, project.requires_python)]
    if not fitting:
        raise EnvironmentFailed(
            f"python-unavailable: the project needs Python {project.requires_python or '3'}, "
            f"available: {available}; install one that fits"
        )
    named = {match[1] for line in project.classifiers if (match := CLASSIFIER.search(line))}
    named.update(tested)
    at_hand = next((python for python in fitting if python in named), None)
    return at_hand or min(fitting, key=lambda python: measure_distance(python, named))


def measure_distance(python: str, named: Collection[str]) -> int:
    """Return how many minor versions lie between a Python and the nearest named one."""
    minor = int(python.partition(".")[2])
    return min((abs(minor - int(each.partition(".")[2])) for each in named), default=0)


def fits(python: str, specifier: str) -> bool:
    """Say whether some patch release of ``python`` (as ``3.11``) is allowed."""
    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return True
    return any(allowed.contains(f"{python}.{patch}") for patch in range(30))


def build_variables(project: ProjectMetadata, version: str) -> dict[str, str]:
    """Return the variables that stand in for a git history, when the build asks for one."""
    asked = requirement_names(project.build_requires)
    told = version_or_default(version)
    return {variable: told for tool, variable in SCM_VARIABLES if tool in asked}


def version_or_default(version: str) -> str:
    try:
        return str(Version(version))
    except InvalidVersion:
        return DEFAULT_VERSION

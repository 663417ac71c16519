"""How much the names and contents of lists speak of tests, and what in them is beside the point."""

from __future__ import annotations

import re

from harness.detect.model import Names, normalise, requirement_names
from harness.detect.option_tables import LINTERS
from harness.detect.requirements import name_score

FULL = frozenset({"all", "full", "complete"})
TOOLS = frozenset(
    {"pip", "setuptools", "wheel", "tox", "nox", "build", "twine", "codecov", "coveralls"}
    | {"tox-gh-actions", "uv", "poetry", "hatch", "pdm", "virtualenv", "pre-commit", "tox-uv"}
    | {"tox-gh", "poethepoet", "taskipy", "invoke", "pipenv", "rye", "hatchling", "cibuildwheel"}
    | {"coverage", "coverage-conditional-plugin"}
)
"""What workflows and targets install to do their own work with."""
BESIDES = re.compile(
    r"sphinx.*|.*-sphinx(?:-.*)?|furo|mkdocs.*|mkdocstrings.*|myst-.*|numpydoc|nbsphinx|pdoc3?|"
    r"recommonmark|alabaster|zensical|black|ruff|flake8.*|pep8-naming|isort|pylint.*|pycodestyle|"
    r"pydocstyle|pyflakes|bandit|codespell|pyupgrade|interrogate|vulture|autoflake|yapf|doc8|"
    r"rstcheck|docformatter|pyright|basedpyright|pre-commit|prek|twine|bump2version|bumpversion|"
    r"bump-my-version|towncrier|codecov|coveralls|python-coveralls|jupyterlab|jupyter|notebook|"
    r"pip-tools|pip-audit|safety|zest-releaser|python-semantic-release|commitizen|djlint|tox|nox"
)
"""Distributions for documentation, style and releases: heavy, and of no use to tests."""
ASIDE = re.compile(
    r"docs?|documentation|rtd|lint|linting|linters?|format|formatting|fmt|style|release|publish|"
    r"bench|benchmarks?|profil\w*|pre-commit|notebooks?|examples?|website|dist|fuzz|security"
)
"""Names of extras and groups that are not for tests."""


def declared_score(name: str, brought: frozenset[str]) -> int:
    """Return how test-like a named list is: by its name, and by whether pytest is in it."""
    quoted = name.split("'")
    last = normalise(quoted[1] if len(quoted) == 3 else name)
    extra = 30 if "pytest" in brought else 0
    if last in ("test", "tests", "testing", "tests-require", "hatch-test"):
        return 100 + extra
    by_name = name_score(last)
    return min(by_name, 70) + extra if by_name else (15 if last in FULL else extra)


def for_tests(name: str, names: Names) -> bool:
    """Say whether an extra or group that is installed is about more than style and coverage."""
    if name_score(normalise(name)):
        return True
    if ASIDE.fullmatch(normalise(name)):
        return False
    return not LINTERS & requirement_names(names.get(name) or names.get(normalise(name)) or ())


def is_beside_tests(name: str) -> bool:
    """Say whether a distribution is for documentation, style or releases only."""
    return BESIDES.fullmatch(name) is not None

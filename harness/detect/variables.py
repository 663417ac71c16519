"""Which variables of a workflow or tool belong to the tests, and not to the run around them."""

from __future__ import annotations

import re
from collections.abc import Iterable

FOREIGN = re.compile(
    r"(?:COVERAGE|COV|PIP|UV|TOX|NOX|HATCH|POETRY|PDM|VIRTUALENV|GITHUB|RUNNER|ACTIONS|CODECOV|"
    r"COVERALLS|SONAR|PRE_COMMIT|TWINE|CIBW|CONDA|MAMBA|DOCKER|SETUPTOOLS|INPUT)_.*|"
    r"CI|PATH|HOME|TERM|TMPDIR|SHELL|TOXENV|FORCE_COLOR|NO_COLOR|PY_COLORS|CLICOLOR\w*|"
    r"PYTEST_ADDOPTS|PYTEST_XDIST\w*|COVERAGE|VIRTUAL_ENV|DEBIAN_FRONTEND|"
    r".*(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_KEY|ACCESS_KEY|PRIVATE_KEY).*"
)
PLACE = re.compile(r"(?:[/~]|.*(?:://|\blocalhost\b|127\.0\.0\.1)).*", re.DOTALL)


def test_variables(
    pairs: Iterable[tuple[str, str]], *, services: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return the variables that tests may depend on, as plain strings.

    What is empty was most likely to be filled in by a value that is not known here. Where
    ``services`` run beside the tests, what points at them is left out: ours have none.
    """
    found = {}
    for name, value in pairs:
        plain = re.fullmatch(r"[A-Za-z_]\w*", name) and not re.search(r"[${}\n]", value)
        elsewhere = value.startswith(("/", "~")) or (services and PLACE.fullmatch(value))
        if value and plain and not elsewhere and not FOREIGN.fullmatch(name.upper()):
            found[name] = value
    return tuple(sorted(found.items()))

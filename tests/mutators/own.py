"""Our own code, as a repository to make bugs in, and what one operator makes of a text."""

from __future__ import annotations

from pathlib import Path

from mutators.base import operator as operator_module
from mutators.base.operator import ParsedSource
from mutators.base.sites import sites
from mutators.operators.registry import operators
from syntax.languages import PYTHON

ROOT = Path(operator_module.__file__).parents[2]
OWN = {
    path.relative_to(ROOT).as_posix(): path.read_bytes()
    for room in ("syntax", "mutators", "storage")
    for path in sorted((ROOT / room).rglob("*.py"))
}
OPERATORS = {operator.name: operator for operator in operators()}


def mutations(name: str, code: str) -> list[str]:
    """All that an operator makes of some code."""
    data = code.encode()
    source = ParsedSource.of("a.py", data, PYTHON)
    return [
        splice.apply(data).decode()
        for site in sites(source, [OPERATORS[name]])
        for splice in site.operator.edits(site.node, source)
    ]

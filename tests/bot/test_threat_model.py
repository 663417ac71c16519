"""docs/threat-model.md: a fault is covered by tests that exist, or said to be open."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
PAGE = (HERE / "docs" / "threat-model.md").read_text()
FAULTS = [
    (fault.strip(), covered.strip())
    for line in PAGE.partition("## Every fault")[2].splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| fault |"))
    for fault, _, covered in [line.strip("| ").partition(" | ")]
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
OPEN = "*open*"


@cache
def named_in(place: str) -> set[str]:
    tree = ast.parse((HERE / place).read_text())
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("fault", "covered"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_a_fault_names_tests_that_exist_or_is_open(fault: str, covered: str) -> None:
    named = NAMED.findall(covered)
    assert named or covered == OPEN
    assert [f"{place}::{name}" for place, name in named if name not in named_in(place)] == []
    # Nothing else stands there: no excuse in the place of a test.
    assert NAMED.sub("", covered).strip(", ") in ("", OPEN)


def test_the_table_is_read() -> None:
    assert len(FAULTS) > 60

"""Plans for another Python, where one cannot be had."""

from __future__ import annotations

import pytest

from harness.detect.config import Overrides
from harness.environments.planner import Planner
from tests.harness.trees import tree

PROJECT = """
[build-system]
requires = ["setuptools"]
[project]
name = "pkg"
requires-python = "{}"
classifiers = ["Programming Language :: Python :: 3.13"]
"""


def planner(requires: str, at_hand: tuple[str, ...], **decided: str) -> Planner:
    return Planner(
        tree=tree(pyproject_toml=PROJECT.format(requires)),
        overrides=Overrides(**decided),  # type: ignore[arg-type]
        version="1",
        at_hand=at_hand,
        pythons=tuple(dict.fromkeys((*at_hand, "3.13", "3.12", "3.11", "3.14", "3.10"))),
    )


@pytest.mark.parametrize(
    ("requires", "at_hand", "chosen"),
    [
        (">=3.9", ("3.11",), "3.11"),
        (">=3.9", ("3.10", "3.11", "3.12"), "3.12"),
        (">=3.12", ("3.11",), "3.12"),
    ],
)
def test_what_is_at_hand_goes_before_what_would_be_downloaded(
    requires: str, at_hand: tuple[str, ...], chosen: str
) -> None:
    made = planner(requires, at_hand)
    assert made.plan()[0].python == "3.13"
    assert {plan.python for plan in made.replan({"3.13"})} == {chosen}


def test_no_python_is_left() -> None:
    assert planner(">=3.13,<3.14", ("3.11",)).replan({"3.13"}) == ()


def test_a_python_that_a_person_asked_for_is_not_replaced() -> None:
    assert planner(">=3.9", ("3.11",), python="3.13").replan({"3.13"}) == ()

"""docs/mirror.md names every reason there is, in the words of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mirror.choice import rules as choosing
from mirror.undo import model_tier

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mirror.md").read_text()
ROWS = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", PAGE, re.M))
UNDOING = ("gone", "conflict", "used", "needs-what-is-gone", "broken", "no-effect", "old-python")


def test_why_pull_requests_are_left_out_is_told_as_the_command_tells_it() -> None:
    assert {name: ROWS.get(name) for name in choosing.REASONS} == choosing.REASONS


@pytest.mark.parametrize(
    "reason", [*model_tier.CAME_OF_IT, *model_tier.REASONS.values(), "code-gone", "model-failed"]
)
def test_what_may_come_of_asking_a_model_is_told(reason: str) -> None:
    assert reason in ROWS


def test_why_a_fix_is_not_undone_is_told() -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "mirror" / "undo").glob("*.py")))

    assert set(re.findall(r'why="([a-z-]+)"', code)) <= set(ROWS)
    for reason in UNDOING:
        assert f'"{reason}"' in code
        assert reason in ROWS

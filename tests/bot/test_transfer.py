"""Solve rates on synthetic and on mirrored tasks of held-out repositories."""

from __future__ import annotations

from typing import Any

import pytest

from forge.study.transfer import Rate, TransferLine, transfer


def graded(task: str, resolved: bool, model: str = "m") -> dict[str, Any]:
    return {"instance_id": task, "model_name_or_path": model, "resolved": resolved}


TASKS = {
    "s1": {"strategy": "procedural", "repo": "a/one", "split": "test"},
    "s2": {"strategy": "combine", "repo": "a/one", "split": "test"},
    "m1": {"strategy": "mirror", "repo": "a/one", "split": "test"},
    "m2": {"strategy": "mirror", "repo": "b/two"},
    "seen": {"strategy": "mirror", "repo": "c/three", "split": "train"},
}


def test_held_out_tasks_are_counted_by_what_their_bugs_are() -> None:
    found = transfer(
        [
            graded("s1", True),
            graded("s2", False),
            graded("m1", True),
            graded("m2", False),
            graded("seen", True),
            graded("unknown", True),
        ],
        TASKS,
    )

    two, one = Rate(solved=1, total=2), Rate(solved=1, total=1)
    assert found[0] == TransferLine(model="m", repository="", synthetic=two, mirrored=two)
    assert found[1] == TransferLine(model="m", repository="a/one", synthetic=two, mirrored=one)
    assert [line.repository for line in found] == ["", "a/one", "b/two"]


def test_models_are_apart() -> None:
    found = transfer([graded("s1", True, "x"), graded("s1", False, "y")], TASKS)
    assert [(line.model, line.synthetic.solved) for line in found if not line.repository] == [
        ("x", 1),
        ("y", 0),
    ]


def test_the_interval_is_wilsons() -> None:
    low, high = Rate(solved=8, total=10).interval
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Rate().interval == (0.0, 1.0)
    assert Rate(solved=0, total=5).interval[0] == 0.0

"""Patches that solvers propose, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.judge.judge import HARNESS_VERSION, Grade
from storage.records import digest
from syntax.intake.intake import INTAKE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One patch on one task."""

    instance_id: str
    patch: str
    """Bytes of files, decoded with surrogateescape."""
    model: str = ""
    place: str = field(default="", compare=False)
    """Where it was read, for a person to find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """What came of a prediction."""

    instance_id: str
    model: str
    key: str
    patch_exists: bool
    resolved: bool
    fail_to_pass: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Green, and not green."""
    pass_to_pass: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    detail: str = ""
    error: str = ""
    """Why there is no grade: ``unreadable-row``, ``duplicate-row``, ``repeated-row``,
    ``unknown-task``, ``does-not-apply``, ``environment-failed``, ``sandbox-broken`` or
    ``grading-failed``; empty where there is one."""
    taken_back: tuple[str, ...] = ()
    """What of the patch was put back before it was graded, each as ``path: what``."""
    notes: tuple[str, ...] = ()
    """How the patch was read where git did not take it as it is."""
    seconds: float = field(default=0.0, compare=False)
    place: str = field(default="", compare=False)
    """Where the prediction was read."""


def key_of(prediction: Prediction, bug: str, tests: Iterable[str], mode: str) -> str:
    """Identify a grade by all it depends on, so that none is made twice."""
    parts = (prediction.instance_id, prediction.model, prediction.patch, bug)
    return digest(*parts, *tests, HARNESS_VERSION, INTAKE_VERSION, mode)[:32]


def make_graded(
    prediction: Prediction, key: str, grade: Grade, pass_to_pass: Iterable[str]
) -> Graded:
    """Put a grade in the form of the report."""
    red = {*grade.pass_to_pass_red, *grade.pass_to_pass_unrun}
    return Graded(
        instance_id=prediction.instance_id,
        model=prediction.model,
        key=key,
        patch_exists=bool(prediction.patch.strip()),
        resolved=grade.resolved,
        fail_to_pass=(grade.fail_to_pass_green, grade.fail_to_pass_red),
        pass_to_pass=(tuple(t for t in pass_to_pass if t not in red), grade.pass_to_pass_red),
        detail=grade.detail,
        taken_back=grade.taken_back,
        notes=grade.notes,
        place=prediction.place,
    )


def make_ungraded(prediction: Prediction, error: str, key: str, detail: str = "") -> Graded:
    """Return that a prediction could not be graded: it is not resolved."""
    return Graded(
        instance_id=prediction.instance_id,
        model=prediction.model,
        key=key,
        patch_exists=bool(prediction.patch.strip()),
        resolved=False,
        error=error,
        detail=detail,
        place=prediction.place,
    )

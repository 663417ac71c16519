"""Patches that solvers propose, in the field's format, and the report on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.judge.judge import HARNESS_VERSION, Grade
from storage.errors import SourceError
from storage.records import digest
from syntax.intake.intake import INTAKE_VERSION

Status = dict[str, dict[str, list[str]]]
NOT_IN_OURS = ("FAIL_TO_FAIL", "PASS_TO_FAIL")
"""Lists of the field's reports that hold nothing here: such tests are in no task of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One patch on one task."""

    instance_id: str
    patch: str
    model: str = ""


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
    """Why there is no grade: ``does-not-apply``, ``unknown-task``, ``environment-failed`` or
    ``sandbox-broken``; empty where there is one."""
    taken_back: tuple[str, ...] = ()
    """What of the patch was put back before it was graded, each as ``path: what``."""
    notes: tuple[str, ...] = ()
    """How the patch was read where git did not take it as it is."""
    seconds: float = field(default=0.0, compare=False)


def read_predictions(path: Path) -> list[Prediction]:
    """Return the predictions of a file: JSON lines, a JSON list, or a JSON object by id.

    Raises SourceError where it is none of these, or answers one task twice for one model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "not UTF-8"
        raise SourceError(f"cannot read the predictions {path}: {told}") from error
    found = [_prediction(path, number, each) for number, each in enumerate(_objects(path, text), 1)]
    if not found:
        raise SourceError(f"{path} holds no prediction")
    seen: set[tuple[str, str]] = set()
    for each in found:
        if (each.instance_id, each.model) in seen:
            raise SourceError(f"{path} holds {each.instance_id} twice for {each.model!r}")
        seen.add((each.instance_id, each.model))
    return found


def _objects(path: Path, text: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        return _lines(path, text)
    if isinstance(whole, list):
        return whole
    if isinstance(whole, dict) and "instance_id" in whole:
        return [whole]
    if isinstance(whole, dict):
        return [_add_id(name, value) for name, value in whole.items()]
    raise SourceError(f"{path} is neither JSON lines nor a list nor an object by id")


def _lines(path: Path, text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise SourceError(f"{path}, line {number}: not JSON ({error})") from error
    return found


def _add_id(name: str, value: Any) -> Any:
    """Give a prediction by id its id; the bare patch will do."""
    if isinstance(value, Mapping):
        return {"instance_id": name, **value}
    return {"instance_id": name, "model_patch": value}


def _prediction(path: Path, number: int, value: Any) -> Prediction:
    if not isinstance(value, Mapping) or not isinstance(value.get("instance_id"), str):
        raise SourceError(f"{path}, prediction {number}: no instance_id")
    patch = value.get("model_patch")
    if patch is not None and not isinstance(patch, str):
        raise SourceError(f"{path}, prediction {number}: its model_patch is no text")
    return Prediction(
        instance_id=value["instance_id"],
        patch=patch or "",
        model=str(value.get("model_name_or_path") or ""),
    )


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
    )


def report(results: Iterable[Graded]) -> dict[str, Any]:
    """Return the report of a run: its totals, those of each model, and every instance."""
    ordered = sorted(results, key=lambda each: (each.instance_id, each.model))
    models = sorted({each.model for each in ordered})
    return {
        **totals(ordered),
        "harness": HARNESS_VERSION,
        "models": {m: totals([each for each in ordered if each.model == m]) for m in models},
        "instances": [instance(each) for each in ordered],
    }


def totals(results: Iterable[Graded]) -> dict[str, Any]:
    """Count, and name the ids."""
    listed = list(results)
    yes = [each.instance_id for each in listed if each.resolved]
    no = [each.instance_id for each in listed if not each.resolved]
    return {
        "resolved": len(yes),
        "unresolved": len(no),
        "total": len(listed),
        "errors": sum(bool(each.error) for each in listed),
        "ids_resolved": yes,
        "ids_unresolved": no,
    }


def instance(each: Graded) -> dict[str, Any]:
    """Return the field's report on one instance."""
    status: Status = {name: {"success": [], "failure": []} for name in NOT_IN_OURS}
    for name, (green, red) in (
        ("PASS_TO_PASS", each.pass_to_pass),
        ("FAIL_TO_PASS", each.fail_to_pass),
    ):
        status = {name: {"success": list(green), "failure": list(red)}, **status}
    return {
        "instance_id": each.instance_id,
        "model_name_or_path": each.model,
        "patch_exists": each.patch_exists,
        "patch_successfully_applied": each.patch_exists and not each.error,
        "resolved": each.resolved,
        "tests_status": status,
        "error": each.error,
        "detail": each.detail,
        "taken_back": list(each.taken_back),
        "notes": list(each.notes),
        "seconds": each.seconds,
    }

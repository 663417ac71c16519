"""The report on predictions: totals of all and of each model, and a row for every prediction.

Its names are those of SWE-smith's report on a run and SWE-bench's on an instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forge.grade.prediction_files import DUPLICATE, REPEATED, UNREADABLE
from forge.grade.predictions import Graded
from forge.run.texts import escape_surrogates
from harness.judge.judge import HARNESS_VERSION

Status = dict[str, dict[str, list[str]]]
NOT_IN_OURS = ("FAIL_TO_FAIL", "PASS_TO_FAIL")
"""Lists of the field's reports that hold nothing here: such tests are in no task of ours."""
AGAIN = (DUPLICATE, REPEATED)


def report(results: Iterable[Graded], ignored_fields: Mapping[str, int]) -> dict[str, Any]:
    """Return the report of a run: its totals, those of each model, and every row.

    Ids stand at the top only where there is one model: of several, each has its own.
    """
    ordered = sorted(results, key=lambda each: (each.instance_id, each.model))
    models = sorted({each.model for each in ordered if has_model(each)})
    told = {
        **totals(ordered),
        "ignored_fields": dict(sorted(ignored_fields.items())),
        "harness": HARNESS_VERSION,
        "models": {m: totals(of_model(ordered, m)) for m in models},
        "instances": [instance(each) for each in ordered],
    }
    if len(models) > 1:
        told = {name: value for name, value in told.items() if not name.startswith("ids_")}
    return dict(escape_surrogates(told))


def has_model(each: Graded) -> bool:
    """Say whether a row counts for a model: one that cannot be read only where it names one."""
    return bool(each.model) or each.error != UNREADABLE


def of_model(results: Iterable[Graded], model: str) -> list[Graded]:
    """Return what counts for a model."""
    return [each for each in results if each.model == model and has_model(each)]


def totals(results: Iterable[Graded]) -> dict[str, Any]:
    """Count, and name the ids: each row is resolved, unresolved, or an error.

    Rows that answer what an earlier one answers are counted apart.
    """
    listed = list(results)
    counted = [each for each in listed if each.error not in AGAIN]
    failed = [each for each in counted if each.error]
    graded = [each for each in counted if not each.error]
    empty = [each for each in counted if not each.patch_exists and each.error != UNREADABLE]
    yes = [each for each in graded if each.resolved]
    no = [each for each in graded if not each.resolved]
    return {
        "resolved": len(yes),
        "unresolved": len(no),
        "errors": len(failed),
        "total": len(counted),
        "empty_patches": len(empty),
        "duplicate_rows": len(listed) - len(counted),
        "reasons": dict(sorted(Counter(each.error for each in failed).items())),
        "ids_resolved": ids(yes),
        "ids_unresolved": ids(no),
        "ids_error": ids(failed),
        "ids_empty_patch": ids(empty),
    }


def ids(results: Iterable[Graded]) -> list[str]:
    """Return the ids of tasks, each once."""
    return list(dict.fromkeys(each.instance_id for each in results if each.instance_id))


def exit_code(results: Sequence[Graded]) -> int:
    """Return 0 where all were graded, and 1 where some could not be; not solved is no failure.

    A row that says once more what another says is as good as graded.
    """
    return int(any(each.error not in ("", REPEATED) for each in results))


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
        "row": each.place,
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

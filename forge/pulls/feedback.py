"""What the model that undoes fixes is told of them, and what is kept of its answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from mirror.undo.fixes import Fix, find_moved_paths
from mirror.undo.model_tier import Feedback, ModelUndo
from mirror.undo.results import Undo
from storage.records import Verdict
from syntax.patches import unified_diff

SHOWN_REASON = 300


def today_paths(tests: tuple[str, ...], paths: Mapping[str, str]) -> frozenset[str]:
    """Return what the test files of a fix are called today, those that are still there."""
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(PurePosixPath(path).name, []).append(path)
    found = {path for path in tests if path in paths}
    for path in set(tests) - found:
        found |= set(find_moved_paths(path, names)[:1])
    return frozenset(found)


def feedback_of(verdict: Verdict, own: frozenset[str], green: Collection[str] = ()) -> Feedback:
    """Turn a verdict into what the model is told: which of the fix's own tests see the bug.

    ``own`` are the files of those tests, ``green`` the tests that pass without the bug.
    """
    if verdict.valid:
        failed, passed = verdict.fail_to_pass, verdict.pass_to_pass
    else:
        failed, passed = (), tuple(green) if verdict.reason == "no-test-failed" else ()
    mine = [test for test in failed if test.partition("::")[0] in own]
    return Feedback(
        failed=tuple(mine or failed),
        passed=tuple(test for test in passed if test.partition("::")[0] in own),
        imports=verdict.reason != "breaks-everything",
        reason="" if verdict.valid else verdict.reason,
    )


def describe_refusal(undoing: ModelUndo) -> str:
    """Say why the model undid nothing."""
    said = f"model: {undoing.reason} after {len(undoing.attempts)} answers"
    return f"{said}: {undoing.detail}"[:SHOWN_REASON] if undoing.detail else said


def describe_attempt(result: Undo, verdict: Verdict | None) -> str:
    """Say what came of undoing without a model."""
    if verdict is not None:
        return f"A merge undid {result.undone:.0%} of the fix; the verdict was {verdict.reason}."
    missed = "; ".join(sorted({f"{entity or 'module'}: {why}" for entity, why in result.missed}))
    return f"A merge could not undo it: {missed}" if missed else ""


def source_diff(fix: Fix) -> str:
    """Return the source part of a fix as a diff."""
    return "".join(unified_diff(change.path, change.before, change.fixed) for change in fix.changes)

"""Patches taken in against a start state that is a mapping of paths to contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syntax.intake.intake import IntakeReference, Submission, take_in


def take(
    files: Mapping[str, bytes],
    changed: Mapping[str, bytes | None],
    *tests: str,
    fixed: Collection[str] = (),
    installed: Collection[str] = (),
) -> Submission:
    reference = IntakeReference(files.get, frozenset(files), tests, fixed, installed)
    return take_in(reference, changed)

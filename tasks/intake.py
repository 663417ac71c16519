"""What patches on a task are held against, and what comes of them: ``syntax.intake`` has the rules.

One way for a solver's patch and for the known fix: a task whose known fix cannot go it is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from storage.records import Bug
from syntax.intake.ids import group_tests
from syntax.intake.intake import IntakeReference, take_in
from syntax.intake.places import is_decisive

Read = Callable[[str], bytes | None]
Contents = Mapping[str, bytes | None]
TESTS_IN_THE_FIX = "tests-in-the-fix"
"""Why a bug makes no task: grading would put back some of what undoes it."""


def make_reference(
    broken: Contents, bug: Bug, read: Read, paths: Iterable[str], tests: Iterable[str], lock: str
) -> IntakeReference:
    """Return the start state with all of its tests, as the bug was judged.

    ``broken`` are the files that the bug changes, ``read`` and ``paths`` are those of the tree.
    """

    def read_reference(path: str) -> bytes | None:
        return broken[path] if path in broken else read(path)

    there = {path for path, content in broken.items() if content is not None}
    return IntakeReference(
        read=read_reference,
        paths=frozenset(paths) - broken.keys() | there,
        tests=tuple(tests),
        fixed=frozenset(change.path for change in bug.changes),
        installed=modules_of(lock),
    )


def modules_of(lock: str) -> frozenset[str]:
    """Return the modules that locked distributions bring, as far as their names say."""
    names = (line.partition("==")[0].strip().lower() for line in lock.splitlines())
    return frozenset(name.replace("-", "_") for name in names if name)


def check_known_fix(reference: IntakeReference, read: Read) -> tuple[str, ...]:
    """Return what of the known fix is put back; ``read`` gives the unbroken files.

    Where it is anything, the fix is not what judging saw, or tests came with it.
    """
    fix = {path: read(path) for path in reference.fixed}
    submission = take_in(reference, fix)
    as_graded = {path: submission.files.get(path, reference.read(path)) for path in fix}
    lost = tuple(f"{path}: not as judged" for path in sorted(fix) if as_graded[path] != fix[path])
    return submission.taken_back or lost


def explain_known_fix(
    bug: Bug,
    apply_bug: Callable[[], Contents],
    read: Read,
    *,
    paths: Callable[[], Iterable[str]],
    tests: tuple[str, ...],
    lock: str,
) -> str:
    """Say what of a bug's known fix would be put back; empty where nothing would.

    What is costly is asked for only where the bug changes a file that can matter.
    """
    held = group_tests(tests)
    deletes = any(not change.sha256 for change in bug.changes)
    if not deletes and not any(c.path in held or is_decisive(c.path) for c in bug.changes):
        return ""
    reference = make_reference(apply_bug(), bug, read, paths(), tests, lock)
    return "; ".join(check_known_fix(reference, read))

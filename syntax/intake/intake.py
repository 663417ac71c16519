"""The one way in for a patch: what of it is graded, and what was put back by name.

Whatever hands in files (a solver, a check, the known fix) goes through ``take_in``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple, Optional

from syntax.intake.examples import restore_examples, restore_text
from syntax.intake.ids import NO_TESTS, FileTests, tests_by_file
from syntax.intake.places import SHARED, ImportRoots, is_loaded_by_itself, is_protected
from syntax.intake.settings import restore_settings
from syntax.intake.sources import PythonText, UnreadableFile
from syntax.intake.test_code import restore_tests
from syntax.paths import is_test_path

Content = Optional[bytes]
Read = Callable[[str], Content]


class Reference(NamedTuple):
    """What patches on a task are held against: the start state, with all of its tests."""

    read: Read
    """Content of a file with the bug in it; None where there is none."""
    paths: Collection[str]
    """Every file of it."""
    tests: Collection[str]
    """Ids of the tests that decide."""
    fixed: Collection[str] = ()
    """Paths that the known fix changes."""
    installed: Collection[str] = ()
    """Names of modules that the environment brings."""


class Submission(NamedTuple):
    """What is graded of a patch."""

    files: dict[str, Content]
    """What differs from the reference; None where a file is deleted."""
    taken_back: tuple[str, ...] = ()
    """What was put back as it was, each as ``path: what``."""


class Restored(NamedTuple):
    """One file as it is graded, and what of it was put back."""

    content: Content
    what: tuple[str, ...] = ()


def take_in(reference: Reference, changed: Mapping[str, Content]) -> Submission:
    """Return what is graded of ``changed``, the files that a patch leaves different.

    Tests and what decides how they run are those of the reference, whatever the patch says; the
    rest is as the patch has it.
    """
    held = tests_by_file(reference.tests)
    roots = ImportRoots(reference.paths, held)
    files: dict[str, Content] = {}
    taken: list[str] = []
    for path in sorted(changed):
        before = reference.read(path)
        restored = restore_file(reference, roots, held, path, before, changed[path])
        taken += [f"{path}: {what}" for what in restored.what]
        if restored.content != before:
            files[path] = restored.content
    return Submission(files, tuple(taken))


def restore_file(
    reference: Reference,
    roots: ImportRoots,
    held: Mapping[str, FileTests],
    path: str,
    before: Content,
    after: Content,
) -> Restored:
    """Return one file of a patch as it is graded."""
    if before == after:
        return Restored(after)
    if before is None:
        why = refuse_new_file(reference, roots, path)
        if why:
            return Restored(None, (why,))
    elif is_put_back_whole(reference, held, path):
        return Restored(before, ("the tests' own file" if is_test(path, held) else "all of it",))
    if after is None:
        return restore_deleted(path, held, before)
    try:
        return restore_parts(reference, held, path, before, after)
    except UnreadableFile as error:
        return Restored(before, (f"all of it, since {error}",))


def refuse_new_file(reference: Reference, roots: ImportRoots, path: str) -> str:
    """Say what a new file would do to the tests; empty where it is a solver's to add."""
    if is_protected(path) and not (is_loaded_by_itself(path) and path in reference.fixed):
        return "a new file that is loaded by itself" if is_loaded_by_itself(path) else (
            "a new file of the tests" if is_test_path(path) else "a new configuration of the tests"
        )
    if any(other.startswith(path + "/") for other in reference.paths):
        return "a file in the place of a folder"
    if path in reference.fixed:
        return ""
    name = roots.shadowed_by(path, reference.installed)
    return f"a new module in the place of {name}" if name else ""


def is_test(path: str, held: Mapping[str, FileTests]) -> bool:
    """Say whether a file is the tests' own, by its name or by what it holds."""
    return is_test_path(path) or bool(held.get(path, NO_TESTS).code)


def is_put_back_whole(reference: Reference, held: Mapping[str, FileTests], path: str) -> bool:
    """Say whether all of a file that was there is put back."""
    if is_protected(path):
        return not (is_loaded_by_itself(path) and path in reference.fixed)
    return bool(held.get(path, NO_TESTS).code) and not is_shared(reference, held, path)


def is_shared(reference: Reference, held: Mapping[str, FileTests], path: str) -> bool:
    """Say whether a file of tests holds code too: the known fix changes it, or code imports it."""
    if path in reference.fixed:
        return True
    name = PurePosixPath(path).stem
    if name == "__init__":
        name = PurePosixPath(path).parent.name
    return any(
        imports(reference.read(other) or b"", name)
        for other in reference.paths
        if other.endswith(".py") and other != path and not is_test_path(other)
    )


def imports(data: bytes, name: str) -> bool:
    """Say whether a Python file imports a module of this name."""
    if name.encode() not in data:
        return False
    try:
        tree = PythonText(data).tree
    except UnreadableFile:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if name in (node.module or "").split(".") or name in {a.name for a in node.names}:
                return True
        elif isinstance(node, ast.Import):
            if any(name in alias.name.split(".") for alias in node.names):
                return True
    return False


def restore_deleted(path: str, held: Mapping[str, FileTests], before: Content) -> Restored:
    """Put back a file that was deleted where it decides how tests run, or holds some."""
    assert before is not None
    name = PurePosixPath(path).name
    if path in held:
        return Restored(before, ("all of it, since it holds tests",))
    if name in SHARED:
        try:
            if restore_settings(name, b"", before)[1]:
                return Restored(before, ("all of it, since it decides how tests run",))
        except UnreadableFile:
            return Restored(before, ("all of it, since it decides how tests run",))
    return Restored(None)


def restore_parts(
    reference: Reference, held: Mapping[str, FileTests], path: str, before: Content, after: bytes
) -> Restored:
    """Put back those parts of a file that are tests or decide how they run."""
    name, what = PurePosixPath(path).name, held.get(path, NO_TESTS)
    told: list[str] = []
    if name in SHARED:
        after, found = restore_settings(name, after, before or b"")
        told += found
    if before is not None and what.code:
        after, found = restore_tests(after, before, what.code)
        told += found
    if before is not None and what.examples:
        after, found = restore_examples(after, before, what.examples)
        told += found
    if before is not None and what.is_text:
        after, found = restore_text(after, before)
        told += found
    return Restored(after, tuple(told))

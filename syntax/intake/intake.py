"""The one way in for a patch: what of it is graded, and what was put back by name.

Whatever hands in files (a solver, a check, the known fix) goes through ``take_in``.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Callable, NamedTuple, Optional

from syntax.intake.examples import restore_examples, restore_text
from syntax.intake.ids import NO_TESTS, FileTests, group_tests
from syntax.intake.places import (
    SHARED,
    ImportRoots,
    is_configuration,
    is_loaded_by_itself,
    is_protected,
)
from syntax.intake.settings import restore_settings
from syntax.intake.sources import PythonText, UnreadableFile
from syntax.intake.test_code import restore_tests
from syntax.paths import is_test_path

INTAKE_VERSION = "1"
"""Version of these rules: what was graded by others is graded again."""
Content = Optional[bytes]
Read = Callable[[str], Content]


class IntakeReference(NamedTuple):
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
    shared: Optional[Collection[str]] = None
    """Files of tests that hold code too; None where that is to be found out."""


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


def take_in(reference: IntakeReference, changed: Mapping[str, Content]) -> Submission:
    """Return what is graded of ``changed``, the files that a patch leaves different.

    Tests and what decides how they run are those of the reference, whatever the patch says; the
    rest is as the patch has it.
    """
    held = group_tests(tuple(reference.tests))
    files: dict[str, Content] = {}
    taken: list[str] = []
    for path in sorted(changed):
        before = reference.read(path)
        restored = restore_file(reference, held, path, before, changed[path])
        taken += [f"{path}: {what}" for what in restored.what]
        if restored.content != before:
            files[path] = restored.content
    return Submission(files, tuple(taken))


def restore_file(
    reference: IntakeReference,
    held: Mapping[str, FileTests],
    path: str,
    before: Content,
    after: Content,
) -> Restored:
    """Return one file of a patch as it is graded."""
    if before == after:
        return Restored(after)
    exempt = path in reference.fixed and is_loaded_by_itself(path)
    why = "" if exempt else name_decider(path)
    if before is None and (why or (why := refuse_new_file(reference, held, path))):
        return Restored(None, (f"a new {why}",))
    if why or is_put_back_whole(reference, held, path):
        return Restored(before, (f"the {why or 'file of the tests'}",))
    if after is None:
        return restore_deleted(path, held, before)
    try:
        return restore_parts(held, path, before, after)
    except UnreadableFile as error:
        return Restored(before, (f"all of it, since {error}",))
    except RecursionError:
        return Restored(before, ("all of it, since it is nested too deep",))


def name_decider(path: str) -> str:
    """Say what a file is that decides as a whole how tests run; empty for any other."""
    if is_loaded_by_itself(path):
        return "file that is loaded by itself"
    if is_configuration(path):
        return "configuration of the tests"
    return "file of the tests" if is_test_path(path) else ""


def refuse_new_file(reference: IntakeReference, held: Mapping[str, FileTests], path: str) -> str:
    """Say in the place of what a new file would be found; empty where it is a solver's to add."""
    if any(other.startswith(path + "/") for other in reference.paths):
        return "file in the place of a folder"
    if path in reference.fixed:
        return ""
    roots = ImportRoots(reference.paths, held)
    for name in roots.top_names(path):
        if roots.is_taken(name, reference.installed) or is_imported_by_tests(reference, held, name):
            return f"module in the place of {name}"
    return ""


def is_imported_by_tests(
    reference: IntakeReference, held: Mapping[str, FileTests], name: str
) -> bool:
    """Say whether tests, or what belongs to them, import a module of this name at the top."""
    return any(
        name in top_imports(reference.read(path) or b"", name)
        for path in reference.paths
        if path.endswith(".py") and (is_protected(path) or path in held)
    )


def is_put_back_whole(reference: IntakeReference, held: Mapping[str, FileTests], path: str) -> bool:
    """Say whether a file holds tests, and no code that a solver may have to change."""
    return bool(held.get(path, NO_TESTS).code) and not is_shared(reference, path)


def is_shared(reference: IntakeReference, path: str) -> bool:
    """Say whether a file of tests holds code too: the known fix changes it, or code imports it."""
    if reference.shared is not None:
        return path in reference.shared
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
    """Say whether a Python file imports a module of this name, from anywhere."""
    return any(name in each.split(".") for each in imported_names(data, name))


def top_imports(data: bytes, name: str) -> set[str]:
    """Return the first names that a Python file imports by, where it speaks of a name at all."""
    return {each.partition(".")[0] for each in imported_names(data, name)}


def imported_names(data: bytes, name: str) -> Iterator[str]:
    """Yield what a Python file imports, with all dots; nothing where it never speaks of a name."""
    if name.encode() not in data:
        return
    try:
        tree = PythonText(data).tree
    except UnreadableFile:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = "." * node.level + (node.module or "")
            yield from (f"{around}.{alias.name}" for alias in node.names)


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
    held: Mapping[str, FileTests], path: str, before: Content, after: bytes
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
    if before is not None and (what.examples or what.is_documented):
        entities = None if what.is_documented else what.examples
        after, found = restore_examples(after, before, entities)
        told += found
    if before is not None and what.is_text:
        after, found = restore_text(after, before)
        told += found
    return Restored(after, tuple(told))

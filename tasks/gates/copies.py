"""Does the project itself hold the fix a second time, where whoever solves the task can read it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from syntax.needles import Needles, found_in, index_of, is_twin, needles_of
from syntax.patch_text import apply_patch
from tasks.gates.subject import GateSubject, GateTree, Rules

AT_ONCE = 200
"""Files in memory."""
TASKS_AT_ONCE = 500
"""Tasks whose changed files are in memory."""


def fix_elsewhere(subjects: Sequence[GateSubject], rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield tasks whose fix stands in the project's files with the bug in them, and where.

    In a copy of half of the changed file at least, or quoted in what is no code. Code that does
    the same in a place of its own (a sync and an async client) is no copy. A tree is read once for
    many tasks.
    """
    by_tree: dict[int, list[GateSubject]] = {}
    for subject in subjects:
        by_tree.setdefault(id(subject.tree), []).append(subject)
    for own in by_tree.values():
        for at in range(0, len(own), TASKS_AT_ONCE):
            yield from in_one_tree(own[0].tree, own[at : at + TASKS_AT_ONCE])


def in_one_tree(tree: GateTree, subjects: Sequence[GateSubject]) -> Iterator[tuple[str, str]]:
    """Yield the tasks of one tree whose fix stands in it elsewhere."""
    changed = {each.task.id: apply_patch(each.bug.patch, tree.read) for each in subjects}
    needles = {task: needles_for(task, tree, files) for task, files in changed.items()}
    found = dict(in_changed_files(needles, changed))
    index = index_of(list(needles.values()))
    for path, content in files_of(tree):
        for task in found_in(index, content):
            if path not in changed[task] and not is_twin(needles[task], path, content):
                found.setdefault(task, path)
    for task, path in sorted(found.items()):
        yield task, f"the fix can be read in {path}"


def files_of(tree: GateTree) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a tree, so many read at once."""
    paths = iter(sorted(tree.paths))
    while some := list(islice(paths, AT_ONCE)):
        yield from sorted(tree.read_all(some).items())


def needles_for(task: str, tree: GateTree, changed: Mapping[str, bytes | None]) -> Needles:
    """Return what a task's fix can be found by."""
    return needles_of(task, {path: tree.read(path) for path in changed}, changed)


def in_changed_files(
    needles: Mapping[str, Needles], changed: Mapping[str, Mapping[str, bytes | None]]
) -> Iterable[tuple[str, str]]:
    """Yield tasks one of whose changed files shows, with the bug, the fix of another."""
    for task, files in changed.items():
        index = index_of([needles[task]])
        for path, content in sorted(files.items()):
            if content and found_in(index, content) and not is_twin(needles[task], path, content):
                yield task, path

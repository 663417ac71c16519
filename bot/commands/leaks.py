"""``bugfoundry verify --leaks``: does what a solver is given show the fix?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.options import open_store, out, print_json
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.errors import BugfoundryError, StoreError

if TYPE_CHECKING:
    from forge.grade.evaluation import Evaluation
    from forge.grade.leaks import LeakReport
    from forge.grade.lookup import StoredTask
    from storage.trees import Trees

LISTED = 40


def search_leaks(
    tasks: Sequence[str],
    evaluation: Evaluation,
    *,
    images: Sequence[str],
    folders: Sequence[Path],
    store: Path | None,
    as_json: bool,
) -> None:
    """Search what a solver is given for the fix. Raises BugfoundryError where something shows it.

    Environments are searched whole: other copies of the code, archives, caches, byte-code; and
    each task's start state with its git. In a named image or folder the work tree has to be a
    task's own, with the bug in it.
    """
    from forge.grade.leaks import ensure_environments, leaks_in, leaks_of
    from storage.trees import Trees

    trees = Trees(evaluation.cache)
    found = load_exported_tasks(tasks, trees) or load_stored_tasks(tasks, store)
    if images or folders:
        report = leaks_in(found, trees, images=images, folders=folders)
    else:
        stand = run_interruptible(lambda: ensure_environments(found, evaluation, trees))
        report = leaks_of(stand, trees, evaluation.cache)
    if as_json:
        print_json(report)
    else:
        print_report(report)
    if report.leaks:
        raise BugfoundryError(
            f"{format_count(len(report.leaks), 'leak')}; a solver could read the fix there"
        )


def load_exported_tasks(names: Sequence[str], trees: Trees) -> list[StoredTask]:
    """Return the tasks of an export, where what is named is one; their environments are elsewhere.

    Raises SourceError where it is damaged.
    """
    from forge.grade.carried_tasks import forget_environments, load_export

    if len(names) != 1 or not Path(names[0]).exists():
        return []
    return list(forget_environments(load_export(Path(names[0]), trees)).values())


def load_stored_tasks(names: Sequence[str], store: Path | None) -> list[StoredTask]:
    """Return tasks of the store, all where none is named. Raises StoreError where it has none."""
    from forge.grade.lookup import find_task

    with open_store(store) as opened:
        known = names or [task.id for task in opened.tasks()]
        found = [find_task(opened, name) for name in known]
    if not found:
        raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
    return found


def print_report(report: LeakReport) -> None:
    """Print what was searched and found."""
    from forge.grade.leaks import describe_leak

    for leak in report.leaks[:LISTED]:
        out.print(describe_leak(leak), markup=False, highlight=False, soft_wrap=True)
    if len(report.leaks) > LISTED:
        out.print(f"… and {len(report.leaks) - LISTED} more; --json has all", highlight=False)
    for twin in report.twins[:LISTED]:
        line = f"{describe_leak(twin)} (the project's own code, no leak)"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    for task in report.blind:
        line = f"{task}  its fix brings back no line that it could be told by; git was looked at"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    places = format_count(report.places, "environment or place", "environments or places")
    out.print(
        f"{format_count(report.tasks, 'task')}, {places}, "
        f"{format_count(report.files, 'file')}, "
        f"{report.size / 1e6:.0f} MB searched: {format_count(len(report.leaks), 'leak')}",
        highlight=False,
    )

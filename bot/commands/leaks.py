"""``bugfoundry verify --leaks``: does what a solver is given show the fix?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.commands.options import open_store, out, print_json
from bot.finding import find_task
from bot.leaking import LeakReport, leaks_in, leaks_of, told
from storage.errors import BugfoundryError, StoreError
from storage.paths import cache_dir
from storage.trees import Trees

LISTED = 40


def search_leaks(
    tasks: Sequence[str],
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
    with open_store(store) as opened:
        names = tasks or [task.id for task in opened.tasks()]
        found = [find_task(opened, name) for name in names]
    if not found:
        raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
    trees = Trees(cache_dir())
    if images or folders:
        report = leaks_in(found, trees, images=images, folders=folders)
    else:
        report = leaks_of(found, trees, cache_dir())
    if as_json:
        print_json(report)
    else:
        print_report(report)
    if report.leaks:
        raise BugfoundryError(f"{len(report.leaks)} leaks; a solver could read the fix there")


def print_report(report: LeakReport) -> None:
    """Print what was searched and found."""
    for leak in report.leaks[:LISTED]:
        out.print(told(leak), markup=False, highlight=False, soft_wrap=True)
    if len(report.leaks) > LISTED:
        out.print(f"… and {len(report.leaks) - LISTED} more; --json has all", highlight=False)
    for twin in report.twins[:LISTED]:
        line = f"{told(twin)} (the project's own code, no leak)"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    for task in report.blind:
        line = f"{task}  its fix brings back no line that it could be told by; git was looked at"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{report.tasks} tasks, {report.places} environments or places, {report.files} files, "
        f"{report.size / 1e6:.0f} MB searched: {len(report.leaks)} leaks",
        highlight=False,
    )

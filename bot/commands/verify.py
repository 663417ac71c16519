"""``bugfoundry verify``: what whoever is given tasks may rely on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json
from bot.finding import find_task
from bot.leaking import LeakReport, leaks_in, leaks_of, told
from storage.errors import BugfoundryError, ConfigError, StoreError
from storage.paths import cache_dir
from storage.trees import Trees

LISTED = 40
WHAT = "say what to verify: --leaks searches what a solver is given for the fix"


def verify_command(
    tasks: Annotated[
        list[str] | None, typer.Argument(help="Ids of tasks, or unique parts. [default: all]")
    ] = None,
    leaks: Annotated[
        bool, typer.Option("--leaks", help="Search environments and start states for the fix.")
    ] = False,
    image: Annotated[
        list[str] | None,
        typer.Option(help="With --leaks: search this docker image instead, as it is."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="With --leaks: search this folder instead, as it is."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that nothing which a solver is given shows the fix; exit code 1 where something does.

    Environments are searched whole: other copies of the code, archives, caches, byte-code; and
    each task's start state with its git. With --image or --folder the work tree there has to be a
    task's own, with the bug in it.

    Example: bugfoundry verify --leaks
    """
    if not leaks:
        raise ConfigError(WHAT)
    with open_store(store) as opened:
        names = tasks or [task.id for task in opened.tasks()]
        found = [find_task(opened, name) for name in names]
    if not found:
        raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
    trees = Trees(cache_dir())
    if image or folder:
        report = leaks_in(found, trees, images=image or (), folders=folder or ())
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

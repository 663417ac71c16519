"""``bugfoundry contamination``: what tasks share with public benchmarks, and with any other set."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json
from forge.run.nouns import format_count
from storage.errors import StoreError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from tasks.contamination.against import NearestRow
    from tasks.gates.subject import GateSubject

LISTED = 20


def contamination_command(
    against: Annotated[
        Path | None,
        typer.Option(help="A file of JSON lines (SWE-bench, SWE-smith, ours) to compare with."),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where the list of benchmarks was read.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which tasks are on repositories of public benchmarks, and which repeat another set.

    Example: bugfoundry contamination --against swe-bench.jsonl
    """
    from forge.release.export import describe_overlap, overlaps
    from storage.trees import Trees
    from tasks.contamination.against import read_rows, search
    from tasks.gates.subject import subjects

    if sources:
        print_sources(as_json)
        return
    rows = read_rows(against) if against else []
    with open_store(store) as opened:
        found = subjects(opened, Trees(cache_dir()), opened.tasks())
    if not found:
        raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
    near = list(search(found, rows))
    if as_json:
        print_json(
            {
                "tasks": len(found),
                "overlaps": overlaps(found),
                "repositories": count_repositories(found),
                "rows": len(rows),
                "near": [asdict(one) for one in near],
            }
        )
        return
    for row in count_repositories(found):
        tasks, overlap = format_count(row["tasks"], "task"), row["overlap"] or "in no benchmark"
        told = f"{row['repository']}: {tasks}; {overlap}"
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{format_count(len(found), 'task')}, {describe_overlap(overlaps(found))}", highlight=False
    )
    if against:
        print_near(near, len(found), len(rows))


def count_repositories(found: list[GateSubject]) -> list[dict[str, Any]]:
    """Return the repositories, how many tasks each has, and what it overlaps."""
    counts = Counter(subject.tree.repository.key for subject in found)
    trees = {subject.tree.repository.key: subject.tree for subject in found}
    return [
        {"repository": key, "tasks": counts[key], "root": tree.repository.root,
         "overlap": str(tree.overlap) if tree.overlap else ""}
        for key, tree in sorted(trees.items())
    ]  # fmt: skip


def print_near(near: list[NearestRow], tasks: int, rows: int) -> None:
    """Print what was found, the nearest first."""
    for one in sorted(near, key=lambda one: (-one.likeness, one.task, one.by))[:LISTED]:
        told = f"{one.likeness:.0%} by {one.by}: {one.task} and {one.row} {one.repository}"
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    if len(near) > LISTED:
        out.print(f"… and {len(near) - LISTED} more; --json has all", highlight=False)
    counts = Counter(one.by for one in near)
    told = ", ".join(f"{counts[by]} by {by}" for by in ("patch", "statement", "place"))
    held = len({one.task for one in near})
    out.print(f"{held} of {tasks} tasks are near one of {rows} rows: {told}", highlight=False)


def print_sources(as_json: bool) -> None:
    """Print the benchmarks, how many repositories each has, and where that was read."""
    from tasks.benchmarks import deny_list

    known = deny_list()
    counts = Counter(name for row in known.names.values() for name in row["benchmarks"])
    if as_json:
        print_json({"benchmarks": known.benchmarks, "repositories": counts})
        return
    for name, told in known.benchmarks.items():
        line = f"{name}: {format_count(counts[name], 'repository', 'repositories')}. {told['what']}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
        for source in told["sources"]:
            words = " ".join(f"{key}={value}" for key, value in source.items())
            out.print(f"  {words}", markup=False, highlight=False, soft_wrap=True)
